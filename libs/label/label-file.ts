import type { Label, LabelSize } from './label.ts';
import { layOut } from './layout.ts';
import { PdfDocument } from './pdf.ts';
import { pngOf } from './png.ts';
import type { Dpi } from './raster.ts';
import { zplOf } from './zpl.ts';

/** Labels drawn into one file, or into a picture each, as they come. */
export class LabelFile {
  readonly #form: LabelForm;
  readonly #pdf: PdfDocument | undefined;

  constructor(form: LabelForm) {
    this.#form = form;
    this.#pdf = form.format === 'pdf' ? new PdfDocument() : undefined;
  }

  /** Draws a label; answers what is ready: of PNG its picture, of other formats the next part. */
  add(label: Label): Uint8Array | undefined {
    const { format, size, dpi } = this.#form;
    const drawing = layOut(label, size);
    if (this.#pdf !== undefined) return this.#pdf.add(drawing);
    return format === 'png' ? pngOf(drawing, dpi) : Buffer.from(zplOf(drawing, dpi));
  }

  /** What is left of the file. */
  end(): Uint8Array | undefined {
    return this.#pdf?.end();
  }
}

/** What labels are drawn as. */
export type LabelForm = {
  readonly format: 'pdf' | 'zpl' | 'png';
  readonly size: LabelSize;
  /** Of ZPL and PNG. */
  readonly dpi: Dpi;
};
