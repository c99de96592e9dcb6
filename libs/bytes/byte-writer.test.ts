import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './index.ts';

describe('a byte writer', () => {
  it('writes varints as protobuf does', () => {
    const value = fc.oneof(fc.nat(300), fc.maxSafeNat());
    fc.assert(
      fc.property(fc.array(value, { maxLength: 20 }), (values) => {
        const writer = new ByteWriter(1);
        const wanted = new BinaryWriter();
        for (const each of values) {
          writer.varint(each);
          wanted.uint64(BigInt(each));
        }
        expect([...writer.toBuffer()]).toEqual([...wanted.finish()]);
      }),
    );
  });

  it('writes fields that any reader of protobuf takes, of any length', () => {
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ maxLength: 20_000 }));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), (texts) => {
        const writer = new ByteWriter(1);
        for (const each of texts) writer.textField(0x0a, each);
        const reader = new BinaryReader(writer.toBuffer());
        const read: string[] = [];
        while (reader.pos < reader.len) {
          expect(reader.tag()).toEqual([1, WireType.LengthDelimited]);
          read.push(reader.string());
        }
        expect(read).toEqual(texts.map((each) => Buffer.from(each).toString()).filter(Boolean));
      }),
    );
  });

  it('copies pieces of any length, grows, and keeps its memory when cleared', () => {
    const writer = new ByteWriter(4);
    const source = Buffer.from(Array.from({ length: 500 }, (_, i) => i % 256));
    writer.copy(source, 10, 15);
    writer.copy(source, 100, 400);
    writer.int32(0x01020304);
    writer.putInt32(0, 0xfffefdfc | 0);
    const wanted = [0xff, 0xfe, 0xfd, 0xfc, 14, ...source.subarray(100, 400), 1, 2, 3, 4];
    expect([...writer.toBuffer()]).toEqual(wanted);
    const { buffer } = writer;
    writer.clear();
    writer.ascii('abc');
    expect(writer.buffer).toBe(buffer);
    expect(writer.toBuffer().toString()).toBe('abc');
  });

  it('leaves out what is zero or empty, as proto3 does', () => {
    const writer = new ByteWriter();
    writer.varintField(8, 0);
    writer.bytesField(10, Buffer.alloc(0));
    writer.asciiField(10, '');
    writer.textField(10, '');
    expect(writer.length).toBe(0);
  });
});
