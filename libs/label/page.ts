import type { Box, Mark, Weight } from './drawing.ts';
import { BASELINE, fitText, LINE_HEIGHT } from './fit.ts';
import { typeface } from './typeface.ts';

/** Areas from top to bottom with a rule between them, and texts in them. */
export class Page {
  readonly marks: Mark[] = [];
  /** How large letters are beside those of the small size. */
  readonly unit: number;
  readonly #widthMm: number;
  #yMm = MARGIN_MM;

  constructor(unit: number, pageWidthMm: number) {
    this.unit = unit;
    this.#widthMm = contentWidthMm(pageWidthMm);
  }

  /** The next area down the page. */

  area(heightMm: number): Box {
    const box = { xMm: MARGIN_MM, yMm: this.#yMm, widthMm: this.#widthMm, heightMm };
    this.#yMm += heightMm;
    this.#rule(this.#yMm);
    return box;
  }

  /** Where the merchant's own area begins. */
  rest(): { readonly xMm: number; readonly yMm: number } {
    return { xMm: MARGIN_MM + CUSTOM_INSET_MM, yMm: this.#yMm + CUSTOM_INSET_MM };
  }

  frame(heightMm: number): void {
    const [xMm, yMm, widthMm] = [MARGIN_MM, MARGIN_MM, this.#widthMm];
    const tall = heightMm - 2 * MARGIN_MM;
    this.#rule(yMm);
    this.#rule(yMm + tall);
    this.marks.push({ kind: 'fill', xMm, yMm, widthMm: THIN_MM, heightMm: tall });
    const rightMm = xMm + widthMm - THIN_MM;
    this.marks.push({ kind: 'fill', xMm: rightMm, yMm, widthMm: THIN_MM, heightMm: tall });
  }

  /** One line in the middle of a box's height, smaller if it would not fit. */
  line(given: string, box: Box, style: LineStyle): void {
    const { sizeMm, weight, align = 'start', white = false } = style;
    const room = { ...box, heightMm: sizeMm * LINE_HEIGHT, weight, linesMax: 1 };
    const fitted = fitText(given, { ...room, sizeMaxMm: sizeMm, sizeMinMm: Math.min(sizeMm, 2) });
    const [text = ''] = fitted.lines;
    this.marks.push({
      kind: 'text',
      xMm: alignedX(box, typeface(weight).widthOf(text) * fitted.sizeMm, align),
      // Capitals and Chinese characters stand in the middle so.
      baselineMm: box.yMm + box.heightMm / 2 + fitted.sizeMm * 0.37,
      sizeMm: fitted.sizeMm,
      weight,
      isWhite: white,
      text,
    });
  }

  /** As many lines as the box holds; answers how much of its height they take. */
  lines(given: string, box: Box, style: LinesStyle): number {
    const { weight } = style;
    const { lines, sizeMm } = fitText(given, { ...box, ...style, linesMax: 8 });
    lines.forEach((text, index) => {
      const baselineMm = box.yMm + (index * LINE_HEIGHT + BASELINE) * sizeMm;
      this.marks.push({
        kind: 'text',
        xMm: box.xMm,
        baselineMm,
        sizeMm,
        weight,
        isWhite: false,
        text,
      });
    });
    return lines.length * LINE_HEIGHT * sizeMm;
  }

  #rule(yMm: number): void {
    const box = { xMm: MARGIN_MM, yMm, widthMm: this.#widthMm, heightMm: THIN_MM };
    this.marks.push({ kind: 'fill', ...box });
  }
}

export function contentWidthMm(pageWidthMm: number): number {
  return pageWidthMm - 2 * MARGIN_MM;
}

export function inset(box: Box, byMm: number): Box {
  return { ...box, xMm: box.xMm + byMm, widthMm: box.widthMm - 2 * byMm };
}

function alignedX({ xMm, widthMm }: Box, textMm: number, align: Align): number {
  const spareMm = widthMm - textMm;
  return xMm + { start: 0, middle: spareMm / 2, end: spareMm }[align];
}

/** Nothing is drawn nearer to the edge: printers feed the paper a little askew. */
const MARGIN_MM = 2;
export const THIN_MM = 0.25;
const CUSTOM_INSET_MM = 0.5;

type Align = 'start' | 'middle' | 'end';
type LineStyle = {
  readonly sizeMm: number;
  readonly weight: Weight;
  readonly align?: Align;
  readonly white?: boolean;
};
type LinesStyle = {
  readonly sizeMaxMm: number;
  readonly sizeMinMm: number;
  readonly weight: Weight;
};
