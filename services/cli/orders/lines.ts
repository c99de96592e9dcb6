import { decodeLeniently, decodeStrictly, detectEncoding, type Encoding } from './encoding.ts';

/**
 * Physical lines of a text file, in portions that may be empty. The encoding is found from the
 * first megabyte unless it is given. Never holds more than that and one line, whatever the file.
 */
export async function* readLines(
  source: AsyncIterable<Uint8Array>,
  options: { encoding?: Encoding | undefined } = {},
): AsyncGenerator<Line[]> {
  const chunks = source[Symbol.asyncIterator]();
  try {
    const sample = await readSample(chunks);
    const detected = detectEncoding(sample);
    const encoding = options.encoding ?? detected.encoding;
    // Both encodings never use these bytes inside a longer character, so bytes can be split.
    const separator = sample.includes(LF) || !sample.includes(CR) ? LF : CR;
    const splitter = new LineSplitter(encoding, separator);
    yield splitter.push(sample.subarray(detected.markBytes));
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      yield splitter.push(next.value);
    }
    yield splitter.end();
  } finally {
    await chunks.return?.();
  }
}

async function readSample(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < SAMPLE_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    parts.push(next.value);
    bytes += next.value.length;
  }
  return Buffer.concat(parts);
}

/** Cuts bytes into lines; what has no end yet waits for more, up to LINE_BYTES_MAX. */
class LineSplitter {
  readonly #encoding: Encoding;
  readonly #separator: number;
  #waiting = Buffer.alloc(0);
  #isSkipping = false;
  #line = 0;

  constructor(encoding: Encoding, separator: number) {
    this.#encoding = encoding;
    this.#separator = separator;
  }

  push(chunk: Uint8Array): Line[] {
    const bytes =
      this.#waiting.length > 0 ? Buffer.concat([this.#waiting, chunk]) : asBuffer(chunk);
    const lines: Line[] = [];
    let from = 0;
    for (let end = bytes.indexOf(this.#separator); end !== -1; ) {
      lines.push(this.#decode(bytes.subarray(from, end), true));
      from = end + 1;
      end = bytes.indexOf(this.#separator, from);
    }
    // Copied, so that a short rest does not keep its whole chunk alive.
    this.#waiting = Buffer.from(bytes.subarray(from));
    if (this.#waiting.length > LINE_BYTES_MAX) {
      this.#isSkipping = true;
      this.#waiting = Buffer.alloc(0);
    }
    return lines;
  }

  end(): Line[] {
    if (this.#waiting.length === 0 && !this.#isSkipping) return [];
    return [this.#decode(this.#waiting, false)];
  }

  #decode(bytes: Buffer, hasEnd: boolean): Line {
    this.#line += 1;
    const place = { line: this.#line, hasEnd };
    if (this.#isSkipping || bytes.length > LINE_BYTES_MAX) {
      this.#isSkipping = false;
      return { ...place, text: '', flaw: { name: 'LINE_TOO_LONG', max: LINE_BYTES_MAX } };
    }
    const plain = bytes.at(-1) === CR ? bytes.subarray(0, -1) : bytes;
    const text = decodeStrictly(plain, this.#encoding);
    if (text !== undefined) return { ...place, text };
    const encoding = this.#encoding.toUpperCase();
    return {
      ...place,
      text: decodeLeniently(plain, this.#encoding),
      flaw: { name: 'BYTES_INVALID', encoding },
    };
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const LF = 0x0a;
const CR = 0x0d;
const SAMPLE_BYTES = 1 << 20;
/** Far more than any order needs; a longer "line" is another kind of file. */
const LINE_BYTES_MAX = 1 << 18;

export type Line = {
  /** From 1. */
  line: number;
  text: string;
  /** Whether a line end follows; only the last line of a file may lack it. */
  hasEnd: boolean;
  flaw?: { name: 'LINE_TOO_LONG'; max: number } | { name: 'BYTES_INVALID'; encoding: string };
};
