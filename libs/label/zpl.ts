import type { Drawing, Mark } from './drawing.ts';
import type { Picture } from './picture.ts';
import { barsAt, DOTS_PER_MM, type Dpi, greysOf, rasterOf } from './raster.ts';

/**
 * A drawing for thermal printers that speak ZPL II. All but the bars is one picture (^GFA), so that
 * no printer needs a Chinese font; the bars are the printer's own (^BC), as sharp as it can.
 */
export function zplOf(drawing: Drawing, dpi: Dpi): string {
  const picture = greysOf(rasterOf(drawing, dpi, 'code128'));
  const { width, height } = picture;
  const lines = [
    '^XA',
    `^PW${width}^LL${height}^LH0,0`,
    `^FO0,0${graphicField(picture)}^FS`,
    ...drawing.marks.flatMap((mark) => (mark.kind === 'code128' ? [bars(mark, dpi)] : [])),
    '^XZ',
  ];
  return `${lines.join('\n')}\n`;
}

/** Mode A lets the printer pick the code sets; it comes to the same modules as ours. */
function bars(mark: Extract<Mark, { kind: 'code128' }>, dpi: Dpi): string {
  const perMm = DOTS_PER_MM[dpi];
  const { xDots, moduleDots } = barsAt(mark, mark.text, perMm);
  const [top, height] = [Math.round(mark.yMm * perMm), Math.round(mark.heightMm * perMm)];
  return `^FO${xDots},${top}^BY${moduleDots}^BCN,${height},N,N,N,A^FD${mark.text}^FS`;
}

/** Rows of hexadecimal digits, four dots each, in ZPL's own compression. */
function graphicField({ width, height, grey }: Picture): string {
  const rowBytes = Math.ceil(width / 8);
  let data = '';
  let before = '';
  for (let y = 0; y < height; y += 1) {
    const row = hexRow(grey.subarray(y * width, (y + 1) * width));
    // A row like the one before is one character.
    data += row === before ? ':' : compressRow(row);
    before = row;
  }
  const total = rowBytes * height;
  return `^GFA,${total},${total},${rowBytes},${data}`;
}

function hexRow(row: Uint8Array): string {
  const bytes = Buffer.alloc(Math.ceil(row.length / 8));
  for (let x = 0; x < row.length; x += 1) {
    const isDark = (row[x] ?? 255) < DARK_BELOW;
    if (isDark) bytes[x >> 3] = (bytes[x >> 3] ?? 0) | (0x80 >> (x & 7));
  }
  return bytes.toString('hex').toUpperCase();
}

/** "," is zeros and "!" ones up to the end; a letter before a digit repeats it. */
function compressRow(row: string): string {
  return row
    .replace(/0+$/, ',')
    .replace(/F+$/, '!')
    .replace(/([0-9A-F])\1{2,}/g, (run, digit: string) => repeats(run.length) + digit);
}

/** g to z are 20 to 400 in twenties, G to Y are 1 to 19. */
function repeats(count: number): string {
  const most = 'z'.repeat(Math.floor(count / 400));
  const twenties = Math.floor((count % 400) / 20);
  const ones = count % 20;
  return (
    most +
    (twenties === 0 ? '' : String.fromCharCode('f'.charCodeAt(0) + twenties)) +
    (ones === 0 ? '' : String.fromCharCode('F'.charCodeAt(0) + ones))
  );
}

/** Thin strokes come out better a little bolder. */
const DARK_BELOW = 150;
