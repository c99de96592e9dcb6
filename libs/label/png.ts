import { crc32, deflateSync } from 'node:zlib';
import type { Drawing } from './drawing.ts';
import type { Picture } from './picture.ts';
import { type Dpi, greysOf, rasterOf } from './raster.ts';

/** A drawing as a PNG picture that knows its size in millimetres. */
export function pngOf(drawing: Drawing, dpi: Dpi): Buffer {
  return encodePng(greysOf(rasterOf(drawing, dpi)), Math.round((dpi / 25.4) * 1000));
}

/**
 * One byte a pixel. The canvas' own encoder knows colours alone: a label was 134 kB, here it is 55.
 */
export function encodePng({ width, height, grey }: Picture, dotsPerM: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  // 8 bits of grey, not interlaced.
  head.writeUInt8(8, 8);
  const density = Buffer.alloc(9);
  density.writeUInt32BE(dotsPerM, 0);
  density.writeUInt32BE(dotsPerM, 4);
  // Dots a metre.
  density.writeUInt8(1, 8);
  // Every row begins with how it is filtered: not at all.
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    rows.set(grey.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  }
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', head),
    chunk('pHYs', density),
    // Level 3 is a seventh larger than the default and takes half the time.
    chunk('IDAT', deflateSync(rows, { level: 3 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(kind: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(kind, 'latin1'), data]);
  const bytes = Buffer.alloc(named.length + 8);
  bytes.writeUInt32BE(data.length, 0);
  bytes.set(named, 4);
  bytes.writeUInt32BE(crc32(named), named.length + 4);
  return bytes;
}

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
