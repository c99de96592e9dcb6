/** Rows of greys, 0 black to 255 white. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
};
