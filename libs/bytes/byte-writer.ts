/**
 * A buffer that grows while it is written to and is kept for the next use. Short runs are written
 * byte by byte, which for under some 40 bytes is quicker than a call into the engine.
 */
export class ByteWriter {
  /** Only the first `length` bytes mean anything. */
  buffer: Buffer;
  length = 0;

  constructor(capacity = 256) {
    this.buffer = Buffer.allocUnsafeSlow(capacity);
  }

  /** Forgets what was written; the memory stays. */
  clear(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  toBuffer(): Buffer {
    return Buffer.from(this.buffer.subarray(0, this.length));
  }

  /** Makes room for `count` more bytes, which may then be written to `buffer` itself. */
  reserve(count: number): void {
    const wanted = this.length + count;
    if (wanted <= this.buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.buffer.length * 2));
    this.buffer.copy(grown, 0, 0, this.length);
    this.buffer = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** Four bytes, the highest first. */
  int32(value: number): void {
    this.reserve(4);
    this.putInt32(this.length, value);
    this.length += 4;
  }

  /** Overwrites four bytes that were written before. */
  putInt32(at: number, value: number): void {
    const { buffer } = this;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  copy(source: Buffer, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    const { buffer, length } = this;
    if (count > SHORT) source.copy(buffer, length, start, end);
    else for (let i = 0; i < count; i++) buffer[length + i] = source[start + i] as number;
    this.length = length + count;
  }

  /** A text of which each character is below U+0080; nobody checks it here. */
  ascii(text: string): void {
    const count = text.length;
    this.reserve(count);
    const { buffer, length } = this;
    for (let i = 0; i < count; i++) buffer[length + i] = text.charCodeAt(i);
    this.length = length + count;
  }

  /** Any text as UTF-8. */
  text(text: string): void {
    // No UTF-16 unit takes more than three bytes.
    this.reserve(text.length * 3);
    this.length += this.buffer.write(text, this.length);
  }

  /** A whole number from 0 to 2^53 - 1. */
  varint(value: number): void {
    this.reserve(8);
    const { buffer } = this;
    let rest = value;
    while (rest > 0x7f) {
      buffer[this.length++] = (rest % 0x80) | 0x80;
      rest = rest > MAX_INT32 ? Math.floor(rest / 0x80) : rest >>> 7;
    }
    buffer[this.length++] = rest;
  }

  // Protobuf fields; `tag` is field number × 8 + wire type. As proto3 has it, what is empty or
  // zero is left out.

  varintField(tag: number, value: number): void {
    if (value === 0) return;
    this.varint(tag);
    this.varint(value);
  }

  bytesField(tag: number, source: Buffer, start = 0, end = source.length): void {
    if (start === end) return;
    this.varint(tag);
    this.varint(end - start);
    this.copy(source, start, end);
  }

  asciiField(tag: number, text: string): void {
    if (text === '') return;
    this.varint(tag);
    this.varint(text.length);
    this.ascii(text);
  }

  textField(tag: number, text: string): void {
    if (text === '') return;
    this.varint(tag);
    const start = this.beginLength();
    this.text(text);
    this.endLength(start);
  }

  /** Leaves room for the length of what follows; answers where that begins. */
  beginLength(): number {
    this.byte(0);
    return this.length;
  }

  /** Writes the length of what was written since `start`; over 127 bytes it is moved for that. */
  endLength(start: number): void {
    const count = this.length - start;
    if (count < 0x80) {
      this.buffer[start - 1] = count;
      return;
    }
    const width = count < 0x4000 ? 2 : 5;
    this.reserve(width);
    this.buffer.copyWithin(start - 1 + width, start, this.length);
    this.length = start - 1;
    this.#varintOf(count, width);
    this.length += count;
  }

  /** A varint of just so many bytes, padded as the format allows. */
  #varintOf(value: number, width: number): void {
    let rest = value;
    for (let i = 1; i < width; i++) {
      this.buffer[this.length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.length++] = rest;
  }
}

const SHORT = 40;
const MAX_INT32 = 0x7fff_ffff;
