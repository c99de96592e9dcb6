import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPool, type Pool, roleOf, type Tx, transaction } from '#libs/db';
import { createLogger } from '#libs/log';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { deleteFixes, type FixRow, replaceFixes, selectFixes } from './store/address-fix.ts';

let database: TestDatabase;
let pool: Pool;

beforeAll(async () => {
  database = await testDatabase({ schemas: { waybill: ['services/waybill/migrations'] } });
  const log = createLogger({ name: 'test', level: 'silent' });
  pool = openPool({ url: database.url, name: 'test', role: roleOf('waybill'), log });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

const id = () => randomBytes(16);
const START_MS = Date.UTC(2026, 5, 18);

/** A fix of its own waybill, at the given second. */
function fix(key: Buffer, second: number, change: Partial<FixRow> = {}): FixRow {
  const fix_time = new Date(START_MS + second * 1_000);
  return { key, fix_id: id(), latitude_e5: second, longitude_e5: -second, fix_time, ...change };
}

function fixes(key: Buffer, seconds: number[]): FixRow[] {
  return seconds.map((second) => fix(key, second));
}

const keep = (rows: FixRow[], work = replaceFixes) => transaction(pool, (tx) => work(tx, rows, 25));

async function secondsOf(key: Buffer): Promise<number[]> {
  return (await selectFixes(pool, [key], 1))[0]?.latitudes_e5 ?? [];
}

/** The same without the locks that keep others out: the twin. */
function withoutLocks(tx: Tx, rows: readonly FixRow[], countMax: number): Promise<void> {
  const query: Tx['query'] = (text, ...rest) =>
    text.includes('pg_advisory_xact_lock') ? Promise.resolve([]) : tx.query(text, ...rest);
  return replaceFixes({ query } as Tx, rows, countMax);
}

/** Two transactions that both keep fixes of one key before either has ended. */
async function twoAtOnce(key: Buffer, work: typeof replaceFixes): Promise<number[]> {
  let second: Promise<unknown> | undefined;
  await transaction(pool, async (tx) => {
    await work(tx, fixes(key, range(0, 20)), 25);
    let isDone = false;
    second = keep(fixes(key, range(20, 40)), work).finally(() => {
      isDone = true;
    });
    // It ends, or waits for this one.
    await vi.waitFor(async () => {
      const waiting = await database.query(
        `select from pg_locks join pg_database on pg_database.oid = database
         where locktype = 'advisory' and not granted and datname = $1`,
        [database.name],
      );
      expect(isDone || waiting.length > 0).toBe(true);
    });
  });
  await second;
  return secondsOf(key);
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

describe('fixes', () => {
  it('stay 25 for a key, the newest, in whatever order they come', async () => {
    const key = id();
    const seconds = range(0, 60).toSorted((a, b) => ((a * 37) % 61) - ((b * 37) % 61));
    for (let from = 0; from < 60; from += 7) await keep(fixes(key, seconds.slice(from, from + 7)));
    expect(await secondsOf(key)).toEqual(range(35, 60).reverse());
    const [row] = await selectFixes(pool, [key], 1);
    expect(row?.longitudes_e5).toEqual(
      range(35, 60)
        .reverse()
        .map((second) => -second),
    );
  });

  it('stay 25 also when two are counted at once, which the lock does', async () => {
    expect(await twoAtOnce(id(), replaceFixes)).toEqual(range(15, 40).reverse());
    expect(await twoAtOnce(id(), withoutLocks)).toHaveLength(40);
  });

  it('of one waybill are one: the latest, also under other keys', async () => {
    const [before, after] = [id(), id()];
    const { fix_id } = fix(before, 10);
    await keep([fix(before, 10, { fix_id })]);
    await keep([fix(before, 10, { fix_id })]);
    expect(await secondsOf(before)).toEqual([10]);
    await keep([fix(after, 20, { fix_id })]);
    expect([await secondsOf(before), await secondsOf(after)]).toEqual([[], [20]]);
    // What comes late changes nothing.
    await keep([fix(before, 15, { fix_id })]);
    expect([await secondsOf(before), await secondsOf(after)]).toEqual([[], [20]]);
  });

  it('are answered where there are enough, and go when they are erased', async () => {
    const [few, many] = [id(), id()];
    await keep([...fixes(few, [1, 2]), ...fixes(many, [3, 4])]);
    const gone = fix(many, 5);
    await keep([gone]);
    const answered = async () => (await selectFixes(pool, [few, many], 3)).map((row) => row.key);
    expect(await answered()).toEqual([many]);
    await transaction(pool, (tx) => deleteFixes(tx, [gone.fix_id, id()]));
    expect(await answered()).toEqual([]);
    expect(await secondsOf(many)).toEqual([4, 3]);
  });

  it('of the same keys do not deadlock, in whatever order they come', async () => {
    const keys = Array.from({ length: 40 }, id);
    const fixIds = Array.from({ length: 10 }, id);
    const batch = (at: number) => {
      const rows = keys.map((key, i) => fix(key, at, { fix_id: fixIds[i % 10] as Buffer }));
      return at % 2 === 0 ? rows : rows.reverse();
    };
    const work = range(0, 24).map((at) =>
      at % 6 === 5 ? transaction(pool, (tx) => deleteFixes(tx, fixIds)) : keep(batch(at)),
    );
    await Promise.all(work);
    await keep(batch(99));
    for (const key of keys) expect(await secondsOf(key)).toEqual([99]);
  });
});
