import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#libs/log';
import { type TestDatabase, testDatabase } from '#test/support/database';
import * as arrays from './arrays.ts';
import { openPool, type Pool } from './pool.ts';

let db: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  db = await testDatabase();
  pool = openPool({ url: db.url, name: 'test', log: createLogger({ name: 'test' }) });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

/** What Postgres has read from the array, one text per element. */
async function readBack(type: string, array: Buffer): Promise<(string | null)[]> {
  const rows = await pool.query<{ value: string | null }>(
    `select value::text as value from unnest($1::${type}[]) with ordinality as element(value, n)
     order by n`,
    [array],
  );
  return rows.map(({ value }) => value);
}

function roundTrip<Value>(
  type: string,
  arbitrary: fc.Arbitrary<Value>,
  encode: (values: (Value | null)[]) => Buffer,
  textOf: (value: Value) => string = String,
): Promise<void> {
  const values = fc.array(fc.option(arbitrary), { maxLength: 20 });
  return fc.assert(
    fc.asyncProperty(values, async (given) => {
      const expected = given.map((value) => (value === null ? null : textOf(value)));
      expect(await readBack(type, encode(given))).toEqual(expected);
    }),
    { examples: [[[]], [[null]]] },
  );
}

const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const words = fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\u0000', '仓'));
const dates = fc.date({
  min: new Date('0001-01-01'),
  max: new Date('9999-12-31'),
  noInvalidDate: true,
});

describe('Postgres reads what was put in, also nulls and no elements', () => {
  it('int2', () => roundTrip('int2', fc.integer({ min: -32768, max: 32767 }), arrays.int2Array));
  it('int4', () => roundTrip('int4', fc.integer(), arrays.int4Array));
  it('int8', () => roundTrip('int8', int8, arrays.int8Array));
  it('int8 from numbers', () => roundTrip('int8', fc.maxSafeInteger(), arrays.int8Array));
  it('bool', () => roundTrip('bool', fc.boolean(), arrays.boolArray));
  it('text', () => roundTrip('text', words, arrays.textArray));
  it('uuid', () => roundTrip('uuid', fc.uuid(), arrays.uuidArray));
  it('bytea', () =>
    roundTrip('bytea', fc.uint8Array(), arrays.byteaArray, (value) => {
      return `\\x${Buffer.from(value).toString('hex')}`;
    }));

  it('timestamptz', async () => {
    const values = fc.array(fc.option(dates), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(values, async (given) => {
        const rows = await pool.query<{ ms: string | null }>(
          `select (extract(epoch from value) * 1000)::int8 as ms
           from unnest($1::timestamptz[]) with ordinality as element(value, n) order by n`,
          [arrays.timestamptzArray(given)],
        );
        const expected = given.map((value) => value && String(value.getTime()));
        expect(rows.map(({ ms }) => ms)).toEqual(expected);
      }),
    );
  });
});

describe('a binary array', () => {
  it('refuses what is no integer of its type', () => {
    for (const value of [1.5, Number.NaN, 32768, -32769]) {
      expect(() => arrays.int2Array([value])).toThrow(RangeError);
    }
    expect(() => arrays.int4Array([2 ** 31])).toThrow(RangeError);
    expect(() => arrays.int4Array([0.5])).toThrow(RangeError);
    expect(() => arrays.int8Array([2n ** 63n])).toThrow(RangeError);
    expect(() => arrays.int8Array([0.5])).toThrow(RangeError);
  });

  it('refuses an invalid date and what is no UUID', () => {
    expect(() => arrays.timestamptzArray([new Date(Number.NaN)])).toThrow(RangeError);
    expect(() => arrays.uuidArray(['00000000-0000-0000-0000-00000000000'])).toThrow(RangeError);
  });

  it('with U+0000 in a text is refused by the database', async () => {
    await expect(readBack('text', arrays.textArray(['a\u0000b']))).rejects.toMatchObject({
      code: '22021',
    });
  });

  it('carries a thousand rows in as many parameters as there are columns', async () => {
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    const rows = await pool.query<{ sum: string; longest: number }>(
      `select sum(n) as sum, max(length(t)) as longest
       from unnest($1::int8[], $2::text[]) as row(n, t)`,
      [arrays.int8Array(numbers), arrays.textArray(numbers.map((n) => '面'.repeat(n % 50)))],
    );
    expect(rows).toEqual([{ sum: '499500', longest: 49 }]);
  });
});
