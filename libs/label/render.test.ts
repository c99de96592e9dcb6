import { describe, expect, test } from 'vitest';
import { decodeCodes, pictureOfPng, pictureOfZpl, picturesOfPdf } from '#test/support/pictures';
import type { Drawing } from './drawing.ts';
import { goldenDifference } from './golden.fixture.ts';
import { sampleCustom, sampleLabel } from './label.fixture.ts';
import { LABEL_SIZES, type LabelSize } from './label.ts';
import { layOut } from './layout.ts';
import { PdfDocument } from './pdf.ts';
import { pngOf } from './png.ts';
import { DOTS_PER_MM, type Dpi } from './raster.ts';
import { zplOf } from './zpl.ts';

const DIFFERENT_PER_MILLE_MAX = 2;
const sizes = Object.keys(LABEL_SIZES) as LabelSize[];

describe.each(sizes)('a label of %s mm', (size) => {
  const label = sampleLabel({ custom: sampleCustom(size) });
  const drawing = layOut(label, size);
  const codes = { Code128: label.waybillNumber, QRCode: label.qrText };

  test('as PDF is decoded again and looks as before', async () => {
    const [picture] = await picturesOfPdf(pdfOf(drawing), DOTS_PER_MM[203]);
    if (picture === undefined) throw new Error('no page');
    expect(await decodeCodes(picture)).toEqual(codes);
    expect(await goldenDifference(`pdf-${size}`, picture)).toBeLessThan(DIFFERENT_PER_MILLE_MAX);
  });

  test.each([203, 300] as Dpi[])('as PNG of %d dpi too', async (dpi) => {
    const picture = await pictureOfPng(pngOf(drawing, dpi));
    expect(await decodeCodes(picture)).toEqual(codes);
    const difference = await goldenDifference(`png-${size}-${dpi}`, picture);
    expect(difference).toBeLessThan(DIFFERENT_PER_MILLE_MAX);
  });

  test.each([203, 300] as Dpi[])('and as ZPL of %d dpi', async (dpi) => {
    // The renderer has whole dots a millimetre alone.
    const dotsPerMm = Math.round(DOTS_PER_MM[dpi]);
    const picture = await pictureOfZpl(zplOf(drawing, dpi), { ...LABEL_SIZES[size], dotsPerMm });
    expect(await decodeCodes(picture)).toEqual(codes);
    const difference = await goldenDifference(`zpl-${size}-${dpi}`, picture);
    expect(difference).toBeLessThan(DIFFERENT_PER_MILLE_MAX);
  });
});

function pdfOf(drawing: Drawing): Buffer {
  const document = new PdfDocument();
  const parts = [document.add(drawing), document.end()];
  return Buffer.concat(parts.filter((part) => part !== undefined));
}
