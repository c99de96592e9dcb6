import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PDFiumLibrary } from '@hyzyla/pdfium';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { ready } from 'zpl-renderer-js';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

// Labels as others see them: renderers and a decoder that share nothing with our own.

const require = createRequire(import.meta.url);
const MM_PER_INCH = 25.4;

/** Each page of a PDF as PDFium, the renderer of Chrome, shows it. */
export async function picturesOfPdf(pdf: Uint8Array, dotsPerMm: number): Promise<Picture[]> {
  const library = await PDFiumLibrary.init();
  const document = await library.loadDocument(pdf);
  const pictures: Picture[] = [];
  for (const page of document.pages()) {
    const scale = (dotsPerMm * MM_PER_INCH) / 72;
    const { width, height, data } = await page.render({ scale, render: 'bitmap' });
    // Greys: the order of the colours does not matter.
    pictures.push({ width, height, grey: everyFourth(data) });
  }
  document.destroy();
  library.destroy();
  return pictures;
}

/** The text of each page, as a reader copies it. */
export async function textsOfPdf(pdf: Uint8Array): Promise<string[]> {
  const library = await PDFiumLibrary.init();
  const document = await library.loadDocument(pdf);
  const texts = [...document.pages()].map((page) => page.getText());
  document.destroy();
  library.destroy();
  return texts;
}

export async function pictureOfPng(png: Uint8Array): Promise<Picture> {
  const image = await loadImage(Buffer.from(png));
  const canvas = createCanvas(image.width, image.height);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const { width, height } = canvas;
  const { data } = context.getImageData(0, 0, width, height);
  return { width, height, grey: everyFourth(data) };
}

/** A label in ZPL as a renderer that is not ours draws it. */
export async function pictureOfZpl(
  zpl: string,
  { widthMm, heightMm, dotsPerMm }: { widthMm: number; heightMm: number; dotsPerMm: number },
): Promise<Picture> {
  const { api } = await ready;
  const png = await api.zplToBase64Async(zpl, widthMm, heightMm, dotsPerMm);
  return pictureOfPng(Buffer.from(png, 'base64'));
}

/** All codes that a real decoder (ZXing) finds in a picture, by their kind. */
export async function decodeCodes(picture: Picture): Promise<Record<string, string>> {
  const wasmBinary = await readFile(require.resolve('zxing-wasm/reader/zxing_reader.wasm'));
  await prepareZXingModule({
    overrides: { wasmBinary: Uint8Array.from(wasmBinary).buffer },
    fireImmediately: true,
  });
  const options = { formats: ['Code128', 'QRCode'] as const, tryHarder: true };
  const found = await readBarcodes(toPng(picture), { ...options, formats: [...options.formats] });
  return Object.fromEntries(found.map(({ format, text }) => [format, text]));
}

export function toPng({ width, height, grey }: Picture): Buffer {
  const canvas = createCanvas(width, height);
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (const [at, value] of grey.entries()) {
    image.data.set([value, value, value, 255], at * 4);
  }
  context.putImageData(image, 0, 0);
  return canvas.toBuffer('image/png');
}

function everyFourth(data: Uint8Array | Uint8ClampedArray): Uint8Array {
  return Uint8Array.from({ length: data.length / 4 }, (_, index) => data[index * 4] ?? 0);
}

/** Rows of greys, 0 black to 255 white. */
export type Picture = {
  readonly width: number;
  readonly height: number;
  readonly grey: Uint8Array;
};
