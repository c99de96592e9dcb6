import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool, type Pool, roleOf } from '#libs/db';
import { createLogger } from '#libs/log';
import {
  type NumberRange,
  NumberRange_CheckDigitScheme,
  NumberRangeSchema,
} from '#proto/queqiao/network/v1/number_range';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { NumberPool, type TakenNumber } from './lease.ts';
import { NumberDirectory } from './number-directory.ts';

let database: TestDatabase;
let pool: Pool;
let rangeCount = 0;

beforeAll(async () => {
  database = await testDatabase({ schemas: { waybill: ['services/waybill/migrations'] } });
  const log = createLogger({ name: 'test', level: 'warn' });
  pool = openPool({ url: database.url, name: 'lease-test', role: roleOf('waybill'), log });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const now = () => new Date();

/** A range of its own for each run: leases of different ranges must not overlap either. */
function rangeOf(count: number): NumberRange {
  rangeCount += 1;
  const firstSerial = BigInt(rangeCount) * 1_000_000n;
  return create(NumberRangeSchema, {
    rangeId: `range-${rangeCount}`,
    courierId: 'swift',
    prefix: 'L',
    serialWidth: 12,
    firstSerial,
    lastSerial: firstSerial + BigInt(count) - 1n,
    checkDigitScheme: NumberRange_CheckDigitScheme.ISO7064_MOD11_10,
  });
}

/** What may happen to numbers, in any order: by two processes, over four buckets. */
type Step =
  | { kind: 'take'; process: number; bucket: number; count: number }
  | { kind: 'give back'; process: number; share: number }
  | { kind: 'restart' | 'crash'; process: number };

const process = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('take' as const),
      process,
      bucket: fc.nat(3),
      count: fc.integer({ min: 1, max: 90 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('give back' as const), process, share: fc.nat(9) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'crash' as const), process }),
  },
);

/** Plays steps and answers every number that is in use at the end. */
async function play(range: NumberRange, steps: Step[], Pool_ = NumberPool): Promise<string[]> {
  const open = () => new Pool_({ pool, now });
  const pools = [open(), open()];
  const held: TakenNumber[][] = [[], []];
  const used: string[] = [];
  for (const step of steps) {
    const numbers = pools[step.process] as NumberPool;
    const mine = held[step.process] as TakenNumber[];
    if (step.kind === 'take') {
      // At once, as calls arrive.
      const half = Math.ceil(step.count / 2);
      const taken = await Promise.all([
        numbers.take([range], step.bucket, half),
        numbers.take([range], step.bucket, step.count - half),
      ]);
      mine.push(...taken.flat());
    } else if (step.kind === 'give back') {
      numbers.giveBack(mine.splice(0, Math.floor((mine.length * step.share) / 10)));
    } else {
      if (step.kind === 'restart') await numbers[Symbol.asyncDispose]();
      used.push(...mine.splice(0).map(({ number }) => number));
      pools[step.process] = open();
    }
  }
  for (const numbers of pools) await numbers[Symbol.asyncDispose]();
  return [...used, ...held.flat().map(({ number }) => number)];
}

describe('numbers from leases', () => {
  it('are never in use twice, whatever is taken, given back, stopped or killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const range = rangeOf(2_000);
        const used = await play(range, steps);
        expect(new Set(used).size).toBe(used.length);
      }),
      { numRuns: 40 },
    );
  });

  it('would be in use twice if a stopped process handed back what it had used', async () => {
    class Careless extends NumberPool {
      override async take(...args: Parameters<NumberPool['take']>): Promise<TakenNumber[]> {
        const taken = await super.take(...args);
        // Forgets that anything was taken of the leases.
        for (const { lease } of taken) lease.next = lease.first;
        return taken;
      }
    }
    const steps: Step[] = [
      { kind: 'take', process: 0, bucket: 1, count: 10 },
      { kind: 'restart', process: 0 },
      { kind: 'take', process: 1, bucket: 2, count: 10 },
    ];
    const used = await play(rangeOf(2_000), steps, Careless);
    expect(new Set(used).size).toBeLessThan(used.length);
  });

  it('are used to the last one, across buckets and restarts', async () => {
    const range = rangeOf(500);
    const used: string[] = [];
    for (let round = 0; round < 50; round++) {
      const numbers = new NumberPool({ pool, now });
      const taken = await numbers.take([range], round % 5, 10);
      used.push(...taken.map(({ number }) => number));
      await numbers[Symbol.asyncDispose]();
    }
    expect(new Set(used).size).toBe(500);
  });

  it('come from the next range when the first is used up, and run out after the last', async () => {
    const ranges = [rangeOf(15), rangeOf(15)];
    await using numbers = new NumberPool({ pool, now });
    const taken = await numbers.take(ranges, 0, 40);
    expect(taken.map(({ serial }) => serial)).toEqual([
      ...serialsOf(ranges[0] as NumberRange),
      ...serialsOf(ranges[1] as NumberRange),
    ]);
  });

  it('go on when the range grows', async () => {
    const range = rangeOf(10);
    await using numbers = new NumberPool({ pool, now });
    expect(await numbers.take([range], 0, 11)).toHaveLength(10);
    const grown = { ...range, lastSerial: range.lastSerial + 5n };
    expect(await numbers.take([grown], 0, 11)).toHaveLength(5);
  });

  it('cannot be leased twice: the database refuses it', async () => {
    const range = rangeOf(100);
    await using numbers = new NumberPool({ pool, now });
    await numbers.take([range], 0, 5);
    await database.query('delete from waybill.number_cursor where range_id = $1', [range.rangeId]);
    await expect(numbers.take([range], 1, 5)).rejects.toMatchObject({ code: '23P01' });
  });

  it('are found in the bucket that holds their lease, also after it was cut', async () => {
    const range = rangeOf(400);
    const directory = new NumberDirectory(pool);
    const first = new NumberPool({ pool, now });
    const mine = await first.take([range], 7, 5);
    const numbers = mine.map(({ number }) => number);
    expect(await bucketsOf(directory, numbers)).toEqual([7, 7, 7, 7, 7]);
    await first[Symbol.asyncDispose]();
    await using second = new NumberPool({ pool, now });
    const theirs = (await second.take([range], 9, 5)).map(({ number }) => number);
    // Remembered from before the cut, until somebody asks afresh.
    expect(await bucketsOf(directory, theirs)).toEqual([7, 7, 7, 7, 7]);
    expect(await bucketsOf(directory, theirs, true)).toEqual([9, 9, 9, 9, 9]);
    expect(await bucketsOf(directory, [...numbers, ...theirs])).toEqual([
      7, 7, 7, 7, 7, 9, 9, 9, 9, 9,
    ]);
  });
});

function serialsOf({ firstSerial, lastSerial }: NumberRange): bigint[] {
  const count = Number(lastSerial - firstSerial) + 1;
  return Array.from({ length: count }, (_, i) => firstSerial + BigInt(i));
}

async function bucketsOf(directory: NumberDirectory, numbers: string[], fresh = false) {
  const buckets = await directory.bucketsOf(numbers, { fresh });
  return numbers.map((number) => buckets.get(number));
}
