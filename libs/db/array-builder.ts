import { ByteWriter } from '#libs/bytes';
import { ARRAY_OID, type ArrayType } from './arrays.ts';

const HEADER_BYTES = 20;
const EMPTY_BYTES = 12;

/**
 * An array parameter such as $1::text[] in Postgres' binary format, built element by element
 * without a JavaScript value for each. Cleared, it keeps its memory for the next statement.
 */
export class ArrayBuilder {
  readonly #oid: number;
  /** Write an element's bytes here between `begin` and `end`. */
  readonly bytes: ByteWriter;
  #count = 0;
  #hasNull = false;
  #start = 0;

  constructor(type: ArrayType, capacity = 1_024) {
    this.#oid = ARRAY_OID[type];
    this.bytes = new ByteWriter(HEADER_BYTES + capacity);
    this.clear();
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
    this.#hasNull = false;
    this.bytes.length = HEADER_BYTES;
  }

  /** Begins an element of which the length is not known yet. */
  begin(): void {
    this.bytes.int32(0);
    this.#start = this.bytes.length;
  }

  end(): void {
    this.bytes.putInt32(this.#start - 4, this.bytes.length - this.#start);
    this.#count += 1;
  }

  addNull(): void {
    this.bytes.int32(-1);
    this.#hasNull = true;
    this.#count += 1;
  }

  addInt2(value: number): void {
    this.bytes.int32(2);
    this.bytes.byte((value >> 8) & 0xff);
    this.bytes.byte(value & 0xff);
    this.#count += 1;
  }

  addInt8(value: bigint | null): void {
    if (value === null) {
      this.addNull();
      return;
    }
    this.bytes.int32(8);
    this.bytes.reserve(8);
    this.bytes.buffer.writeBigInt64BE(value, this.bytes.length);
    this.bytes.length += 8;
    this.#count += 1;
  }

  addTime(value: Date): void {
    this.addInt8((BigInt(value.getTime()) - EPOCH_MS) * 1_000n);
  }

  addBytes(source: Buffer, start = 0, end = source.length): void {
    this.bytes.int32(end - start);
    this.bytes.copy(source, start, end);
    this.#count += 1;
  }

  /** A text of which each character is below U+0080. */
  addAscii(text: string): void {
    this.bytes.int32(text.length);
    this.bytes.ascii(text);
    this.#count += 1;
  }

  /** The parameter. Its memory is the builder's own: send it before clearing. */
  finish(): Buffer {
    const { bytes } = this;
    bytes.putInt32(0, this.#count === 0 ? 0 : 1); // dimensions
    bytes.putInt32(4, this.#hasNull ? 1 : 0);
    bytes.putInt32(8, this.#oid);
    if (this.#count === 0) return bytes.buffer.subarray(0, EMPTY_BYTES);
    bytes.putInt32(12, this.#count);
    bytes.putInt32(16, 1); // index of the first element
    return bytes.buffer.subarray(0, bytes.length);
  }
}

/** Postgres counts from 2000-01-01. */
const EPOCH_MS = BigInt(Date.UTC(2000, 0, 1));
