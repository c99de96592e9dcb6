import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayBuilder } from './array-builder.ts';
import { byteaArray, int2Array, int8Array, textArray, timestamptzArray } from './arrays.ts';

// The plain functions are tested against Postgres; the builder must make the same bytes.

describe('an array builder', () => {
  it('makes the bytes that the plain functions make', () => {
    const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 300 });
    const time = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true });
    const row = fc.record({
      small: fc.integer({ min: -32_768, max: 32_767 }),
      large: fc.option(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { nil: null }),
      text: ascii,
      time,
      bytes: fc.uint8Array({ maxLength: 3_000 }),
    });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const small = new ArrayBuilder('int2', 1);
        const large = new ArrayBuilder('int8', 1);
        const text = new ArrayBuilder('text', 1);
        const times = new ArrayBuilder('timestamptz', 1);
        const bytes = new ArrayBuilder('bytea', 1);
        for (const each of rows) {
          small.addInt2(each.small);
          large.addInt8(each.large);
          text.addAscii(each.text);
          times.addTime(each.time);
          bytes.addBytes(Buffer.from(each.bytes));
        }
        expect(small.finish()).toEqual(int2Array(rows.map((each) => each.small)));
        expect(large.finish()).toEqual(int8Array(rows.map((each) => each.large)));
        expect(text.finish()).toEqual(textArray(rows.map((each) => each.text)));
        expect(times.finish()).toEqual(timestamptzArray(rows.map((each) => each.time)));
        expect(bytes.finish()).toEqual(byteaArray(rows.map((each) => each.bytes)));
      }),
    );
  });

  it('takes an element piece by piece, and starts anew when cleared', () => {
    const builder = new ArrayBuilder('bytea');
    builder.addNull();
    builder.clear();
    for (const piece of ['one', 'two']) {
      builder.begin();
      builder.bytes.ascii(piece);
      builder.bytes.ascii('!');
      builder.end();
    }
    const wanted = byteaArray([Buffer.from('one!'), Buffer.from('two!')]);
    expect(builder.finish()).toEqual(wanted);
    expect(builder.count).toBe(2);
  });
});
