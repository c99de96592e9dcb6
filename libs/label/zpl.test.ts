import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Drawing } from './drawing.ts';
import { sampleLabel } from './label.fixture.ts';
import { LABEL_SIZES, type LabelSize } from './label.ts';
import { layOut } from './layout.ts';
import { type Dpi, greysOf, rasterOf } from './raster.ts';
import { zplOf } from './zpl.ts';

const dpis: Dpi[] = [203, 300];
const sizes = Object.keys(LABEL_SIZES) as LabelSize[];

describe('ZPL', () => {
  test.each(sizes.flatMap((size) => dpis.map((dpi) => ({ size, dpi }))))(
    'holds the bars as the number and all else as the same dots: $size at $dpi dpi',
    ({ size, dpi }) => {
      const drawing = layOut(sampleLabel(), size);
      const { bars, width, dots } = parse(zplOf(drawing, dpi));
      expect(bars).toEqual(['773212345678901']);
      const picture = greysOf(rasterOf(drawing, dpi, 'code128'));
      expect(width).toBe(Math.ceil(picture.width / 8) * 8);
      const differing = picture.grey.filter((grey, at) => {
        const [x, y] = [at % picture.width, Math.floor(at / picture.width)];
        return dots[y * width + x] !== grey < 150;
      });
      expect(differing.length).toBe(0);
    },
  );

  test('packs any picture so that it unpacks to the same dots', () => {
    const box = fc.record({
      xMm: fc.double({ min: 0, max: 60, noNaN: true }),
      yMm: fc.double({ min: 0, max: 20, noNaN: true }),
      widthMm: fc.double({ min: 0, max: 60, noNaN: true }),
      heightMm: fc.double({ min: 0, max: 20, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(box, { maxLength: 12 }),
        fc.integer({ min: 1, max: 90 }),
        (boxes, mm) => {
          const marks = boxes.map((each) => ({ kind: 'fill' as const, ...each }));
          const drawing: Drawing = { widthMm: mm, heightMm: 20, marks };
          const { width, dots } = parse(zplOf(drawing, 203));
          const picture = greysOf(rasterOf(drawing, 203));
          for (const [at, grey] of picture.grey.entries()) {
            const [x, y] = [at % picture.width, Math.floor(at / picture.width)];
            if (dots[y * width + x] !== grey < 150) throw new Error(`dot ${x},${y} differs`);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('is text that every channel to a printer carries, and not long', () => {
    const zpl = zplOf(layOut(sampleLabel(), '76x130'), 203);
    expect(zpl).toMatch(/^[\x20-\x7e\n]+$/);
    expect(zpl).toMatch(/^\^XA\n\^PW608\^LL1040/);
    expect(zpl.length).toBeLessThan(60_000);
  });
});

/** Reads a label as the ZPL II manual describes it. */
function parse(zpl: string): { bars: string[]; width: number; dots: boolean[] } {
  const bars = [...zpl.matchAll(/\^BCN,\d+,N,N,N,A\^FD([^^]*)\^FS/g)].map(([, data = '']) => data);
  const [, total = '', , rowBytes = '', data = ''] =
    /\^GFA,(\d+),(\d+),(\d+),([^^]*)\^FS/.exec(zpl) ?? [];
  const digits = Number(rowBytes) * 2;
  const rows: string[] = [];
  let row = '';
  let count = 0;
  for (const character of data) {
    if (character === ':') rows.push(rows.at(-1) ?? '');
    else if (character === ',') row = row.padEnd(digits, '0');
    else if (character === '!') row = row.padEnd(digits, 'F');
    else if (/[G-Y]/.test(character)) count += character.charCodeAt(0) - 70;
    else if (/[g-z]/.test(character)) count += (character.charCodeAt(0) - 102) * 20;
    else {
      row += character.repeat(count || 1);
      count = 0;
    }
    if (row.length > digits) throw new Error('a row is too long');
    if (row.length === digits) {
      rows.push(row);
      row = '';
    }
  }
  if (rows.length * Number(rowBytes) !== Number(total)) throw new Error('rows are missing');
  const bits = rows.flatMap((each) =>
    [...each].flatMap((digit) => {
      const value = Number.parseInt(digit, 16);
      return [8, 4, 2, 1].map((bit) => (value & bit) !== 0);
    }),
  );
  return { bars, width: Number(rowBytes) * 8, dots: bits };
}
