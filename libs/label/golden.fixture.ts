import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pictureOfPng } from '#test/support/pictures';
import type { Picture } from './picture.ts';
import { encodePng } from './png.ts';

/**
 * How many pixels in a thousand differ clearly from the picture in golden/. One that is not there
 * is written and counts as wholly different: delete a file to renew it, and look at it.
 */
export async function goldenDifference(name: string, picture: Picture): Promise<number> {
  const path = join(import.meta.dirname, 'golden', `${name}.png`);
  if (!existsSync(path)) {
    await mkdir(join(import.meta.dirname, 'golden'), { recursive: true });
    await writeFile(path, encodePng(picture, 8_000));
    return 1_000;
  }
  const golden = await pictureOfPng(await readFile(path));
  if (golden.width !== picture.width || golden.height !== picture.height) return 1_000;
  let different = 0;
  for (const [at, value] of picture.grey.entries()) {
    if (Math.abs(value - (golden.grey[at] ?? 0)) > CLEARLY) different += 1;
  }
  return (different * 1_000) / picture.grey.length;
}

/** Of 255: edges of letters come out a little different with another version of a renderer. */
const CLEARLY = 100;
