import type { Weight } from './drawing.ts';
import { printable, typeface } from './typeface.ts';

/**
 * A text in the largest size in which it fits a box. One that does not fit even in the smallest
 * ends in "…".
 */
export function fitText(given: string, room: Room): Fitted {
  const text = printable(given);
  const { sizeMaxMm, sizeMinMm } = room;
  for (let sizeMm = sizeMaxMm; sizeMm > sizeMinMm; sizeMm *= STEP) {
    const lines = wrap(text, room, sizeMm);
    if (lines.length <= linesIn(room, sizeMm)) return { lines, sizeMm, isCut: false };
  }
  const lines = wrap(text, room, sizeMinMm);
  const lineCount = linesIn(room, sizeMinMm);
  if (lines.length <= lineCount) return { lines, sizeMm: sizeMinMm, isCut: false };
  const kept = lines.slice(0, lineCount);
  const last = kept.pop();
  if (last !== undefined) kept.push(shorten(last, room.widthMm / sizeMinMm, room.weight));
  return { lines: kept, sizeMm: sizeMinMm, isCut: true };
}

function linesIn({ heightMm, linesMax }: Room, sizeMm: number): number {
  return Math.max(1, Math.min(linesMax, Math.floor((heightMm + 1e-6) / (sizeMm * LINE_HEIGHT))));
}

/** Lines of at most the room's width. Chinese breaks anywhere, a run of Latin or digits as one. */
function wrap(text: string, { widthMm, weight }: Room, sizeMm: number): string[] {
  const face = typeface(weight);
  const widthMax = widthMm / sizeMm;
  if (face.widthOf(text) <= widthMax) return [text];
  const lines: string[] = [];
  let line = '';
  let lineWidth = 0;
  const add = (piece: string, width: number) => {
    if (lineWidth + width > widthMax && line !== '') {
      lines.push(line.trimEnd());
      line = '';
      lineWidth = 0;
      if (piece === ' ') return;
    }
    line += piece;
    lineWidth += width;
  };
  for (const piece of text.match(PIECE) ?? []) {
    const width = face.widthOf(piece);
    if (width <= widthMax) add(piece, width);
    else for (const character of piece) add(character, face.widthOf(character));
  }
  return [...lines, line.trimEnd()];
}

function shorten(line: string, widthMax: number, weight: Weight): string {
  const face = typeface(weight);
  const characters = [...line];
  while (characters.length > 0 && face.widthOf(`${characters.join('')}…`) > widthMax) {
    characters.pop();
  }
  return `${characters.join('')}…`;
}

/** From line to line, in parts of the size. */
export const LINE_HEIGHT = 1.2;
/** How far below the upper edge of its line a text stands, in parts of the size. */
export const BASELINE = 0.95;
const STEP = 0.93;
const PIECE = /[A-Za-z0-9*#._+-]+|./gsu;

export type Room = {
  readonly widthMm: number;
  readonly heightMm: number;
  readonly sizeMaxMm: number;
  readonly sizeMinMm: number;
  readonly linesMax: number;
  readonly weight: Weight;
};

export type Fitted = {
  readonly lines: readonly string[];
  readonly sizeMm: number;
  /** Whether something was left out. */
  readonly isCut: boolean;
};
