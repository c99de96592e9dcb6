import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PDFiumLibrary } from '@hyzyla/pdfium';
import { createCanvas, loadImage } from '@napi-rs/canvas';
import { ready } from 'zpl-renderer-js';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';
import type { Picture } from './picture.ts';
import { encodePng } from './png.ts';

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
export async function decode(picture: Picture): Promise<Record<string, string>> {
  const wasmBinary = await readFile(require.resolve('zxing-wasm/reader/zxing_reader.wasm'));
  await prepareZXingModule({
    overrides: { wasmBinary: Uint8Array.from(wasmBinary).buffer },
    fireImmediately: true,
  });
  const found = await readBarcodes(encodePng(picture, 8000), {
    formats: ['Code128', 'QRCode'],
    tryHarder: true,
  });
  return Object.fromEntries(found.map(({ format, text }) => [format, text]));
}

/**
 * How many pixels in a thousand differ clearly from the picture in golden/. One that is not there
 * is written and counts as wholly different: delete a file to renew it, and look at it.
 */
export async function goldenDifference(name: string, picture: Picture): Promise<number> {
  const path = join(import.meta.dirname, 'golden', `${name}.png`);
  if (!existsSync(path)) {
    await mkdir(join(import.meta.dirname, 'golden'), { recursive: true });
    await writeFile(path, encodePng(picture, 8000));
    return 1000;
  }
  const golden = await pictureOfPng(await readFile(path));
  if (golden.width !== picture.width || golden.height !== picture.height) return 1000;
  let different = 0;
  picture.grey.forEach((value, index) => {
    if (Math.abs(value - (golden.grey[index] ?? 0)) > 100) different += 1;
  });
  return (different * 1000) / picture.grey.length;
}

function everyFourth(data: Uint8Array | Uint8ClampedArray): Uint8Array {
  return Uint8Array.from({ length: data.length / 4 }, (_, index) => data[index * 4] ?? 0);
}
