import { fileProblem, placeOf } from './problems.ts';

/**
 * How a file is written, from its first bytes: a byte order mark decides, else whichever of UTF-8
 * and GB18030 more lines with other than ASCII characters are valid in. Files that are no such
 * text at all are refused with the way out.
 */
export function detectEncoding(sample: Buffer): { encoding: Encoding; markBytes: number } {
  if (
    startsWith(sample, [0x50, 0x4b, 0x03, 0x04]) ||
    startsWith(sample, [0xd0, 0xcf, 0x11, 0xe0])
  ) {
    throw fileProblem('WORKBOOK', placeOf('file'));
  }
  if (startsWith(sample, [0xff, 0xfe]) || startsWith(sample, [0xfe, 0xff])) {
    throw fileProblem('UTF16', placeOf('file'));
  }
  if (startsWith(sample, UTF8_MARK)) return { encoding: 'utf-8', markBytes: UTF8_MARK.length };
  if (startsWith(sample, GB18030_MARK)) {
    return { encoding: 'gb18030', markBytes: GB18030_MARK.length };
  }
  return { encoding: moreValid(sample), markBytes: 0 };
}

/** The name of an encoding as a user writes it; undefined if it is none of ours. */
export function encodingNamed(name: string): Encoding | undefined {
  const plain = name.toLowerCase().replace(/[-_]/g, '');
  if (plain === 'utf8') return 'utf-8';
  return ['gb18030', 'gbk', 'gb2312', 'cp936'].includes(plain) ? 'gb18030' : undefined;
}

/** Strict text of some bytes; undefined if they are not valid. */
export function decodeStrictly(bytes: Uint8Array, encoding: Encoding): string | undefined {
  try {
    return STRICT[encoding].decode(bytes);
  } catch {
    return undefined;
  }
}

/** Text of some bytes with a replacement character for each fault. */
export function decodeLeniently(bytes: Uint8Array, encoding: Encoding): string {
  return LENIENT[encoding].decode(bytes);
}

/**
 * One damaged byte must not make a UTF-8 file of a thousand good lines count as GB18030, so lines
 * vote. Chinese text in GB18030 is hardly ever valid UTF-8, while the opposite is common.
 */
function moreValid(sample: Buffer): Encoding {
  let validCount = 0;
  let invalidCount = 0;
  for (let from = 0; from < sample.length; ) {
    const newline = sample.indexOf(0x0a, from);
    // The sample ends anywhere, so its last line may be cut inside a character: it has no vote
    // unless it is the only one, and then without its last bytes.
    const isLast = newline === -1;
    if (isLast && from > 0) break;
    const line = sample.subarray(from, isLast ? undefined : newline);
    from = isLast ? sample.length : newline + 1;
    if (line.every((byte) => byte < 0x80)) continue;
    if (isValidUtf8(line, isLast)) validCount += 1;
    else invalidCount += 1;
  }
  return invalidCount > validCount ? 'gb18030' : 'utf-8';
}

function isValidUtf8(line: Uint8Array, isCut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(line, { stream: isCut });
    return true;
  } catch {
    return false;
  }
}

function startsWith(bytes: Buffer, mark: number[]): boolean {
  return mark.every((byte, i) => bytes[i] === byte);
}

const UTF8_MARK = [0xef, 0xbb, 0xbf];
const GB18030_MARK = [0x84, 0x31, 0x95, 0x33];

const STRICT = {
  'utf-8': new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }),
  gb18030: new TextDecoder('gb18030', { fatal: true, ignoreBOM: true }),
};

const LENIENT = {
  'utf-8': new TextDecoder('utf-8', { ignoreBOM: true }),
  gb18030: new TextDecoder('gb18030', { ignoreBOM: true }),
};

export type Encoding = 'utf-8' | 'gb18030';
