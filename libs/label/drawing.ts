/** What a label looks like, in millimetres from its upper left corner. Renderers draw only this. */
export type Drawing = {
  readonly widthMm: number;
  readonly heightMm: number;
  readonly marks: readonly Mark[];
};

export type Mark =
  /** A black area. */
  | ({ readonly kind: 'fill' } & Box)
  /** One line of text; `baselineMm` is where its letters stand. */
  | {
      readonly kind: 'text';
      readonly xMm: number;
      readonly baselineMm: number;
      readonly sizeMm: number;
      readonly weight: Weight;
      readonly isWhite: boolean;
      readonly text: string;
    }
  /** Code 128 in the middle of a box, quiet zones inside it. */
  | ({ readonly kind: 'code128'; readonly text: string } & Box)
  /** A QR code in the middle of a box, quiet zone inside it. */
  | ({ readonly kind: 'qr'; readonly text: string } & Box);

export type Box = {
  readonly xMm: number;
  readonly yMm: number;
  readonly widthMm: number;
  readonly heightMm: number;
};

export type Weight = 'medium' | 'bold';
