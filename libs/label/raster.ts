import type { Canvas, SKRSContext2D } from '@napi-rs/canvas';
import { CODE128, code128, place, QR, qrCode } from './codes.ts';
import type { Box, Drawing, Mark, Weight } from './drawing.ts';
import { canvas as skia } from './libraries.ts';
import type { Picture } from './picture.ts';
import { typeface } from './typeface.ts';

/** What labels are printed in; thermal printers of 203 dpi have 8 dots a millimetre. */
export const DOTS_PER_MM = { 203: 8, 300: 300 / 25.4 } as const;
export type Dpi = keyof typeof DOTS_PER_MM;

/** A drawing as pixels, black on white. Bars, modules and rules are whole pixels. */
export function rasterOf(
  { widthMm, heightMm, marks }: Drawing,
  dpi: Dpi,
  skip?: Mark['kind'],
): Canvas {
  const perMm = DOTS_PER_MM[dpi];
  const canvas = skia().createCanvas(Math.round(widthMm * perMm), Math.round(heightMm * perMm));
  const context = canvas.getContext('2d');
  context.fillStyle = WHITE;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = BLACK;
  // Widths are those that the layout counted with.
  context.fontKerning = 'none';
  const pen = { context, perMm };
  for (const mark of marks) if (mark.kind !== skip) drawMark(pen, mark);
  return canvas;
}

/** The pixels as greys. */
export function greysOf(canvas: Canvas): Picture {
  const { width, height } = canvas;
  // The canvas' own memory: getImageData would copy it.
  const data = canvas.data();
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) grey[at] = data[at * 4] ?? 255;
  return { width, height, grey };
}

/** Where the bars of a Code 128 begin, in dots, and how wide their modules are. */
export function barsAt(
  box: Box,
  text: string,
  perMm: number,
): { xDots: number; moduleDots: number } {
  const modules = code128(text).reduce((sum, width) => sum + width, 0);
  const side = { startMm: box.xMm, lengthMm: box.widthMm };
  const { startMm, moduleMm } = place(side, { ...CODE128, modules }, 1 / perMm);
  return { xDots: Math.round(startMm * perMm), moduleDots: Math.round(moduleMm * perMm) };
}

function drawMark(pen: Pen, mark: Mark): void {
  switch (mark.kind) {
    case 'fill':
      drawFill(pen, mark);
      break;
    case 'text':
      drawText(pen, mark);
      break;
    case 'code128':
      drawBars(pen, mark, mark.text);
      break;
    case 'qr':
      drawModules(pen, mark, mark.text);
      break;
  }
}

function drawFill({ context, perMm }: Pen, { xMm, yMm, widthMm, heightMm }: Box): void {
  const dots = (mm: number) => Math.round(mm * perMm);
  const width = Math.max(1, dots(xMm + widthMm) - dots(xMm));
  const height = Math.max(1, dots(yMm + heightMm) - dots(yMm));
  context.fillRect(dots(xMm), dots(yMm), width, height);
}

function drawText({ context, perMm }: Pen, mark: Extract<Mark, { kind: 'text' }>): void {
  context.font = `${mark.sizeMm * perMm}px ${family(mark.weight)}`;
  context.fillStyle = mark.isWhite ? WHITE : BLACK;
  context.fillText(mark.text, mark.xMm * perMm, mark.baselineMm * perMm);
  context.fillStyle = BLACK;
}

function drawBars({ context, perMm }: Pen, box: Box, text: string): void {
  const { xDots, moduleDots } = barsAt(box, text, perMm);
  const top = Math.round(box.yMm * perMm);
  const height = Math.round(box.heightMm * perMm);
  let x = xDots;
  for (const [index, width] of code128(text).entries()) {
    if (index % 2 === 0) context.fillRect(x, top, width * moduleDots, height);
    x += width * moduleDots;
  }
}

function drawModules({ context, perMm }: Pen, box: Box, text: string): void {
  const rows = qrCode(text);
  const kind = { ...QR, modules: rows.length };
  const across = place({ startMm: box.xMm, lengthMm: box.widthMm }, kind, 1 / perMm);
  const down = place({ startMm: box.yMm, lengthMm: box.heightMm }, kind, 1 / perMm);
  const size = Math.round(across.moduleMm * perMm);
  const left = Math.round(across.startMm * perMm);
  const top = Math.round(down.startMm * perMm);
  for (const [y, row] of rows.entries()) {
    for (const [x, isDark] of row.entries()) {
      if (isDark) context.fillRect(left + x * size, top + y * size, size, size);
    }
  }
}

const registered = new Set<Weight>();

function family(weight: Weight): string {
  const name = `QueqiaoLabel${weight}`;
  if (!registered.has(weight)) {
    skia().GlobalFonts.register(typeface(weight).bytes, name);
    registered.add(weight);
  }
  return name;
}

const BLACK = '#000';
const WHITE = '#fff';

type Pen = { readonly context: SKRSContext2D; readonly perMm: number };
