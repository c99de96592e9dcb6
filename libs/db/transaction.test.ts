import { describe, expect, it, vi } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { openPool, type PoolOptions } from './pool.ts';
import { openProxy } from './test-proxy.ts';
import { type Tx, transaction } from './transaction.ts';

function open(url: string, options: Partial<PoolOptions> = {}) {
  return openPool({ url, name: 'tx-test', maxConnections: 1, log: { warn: vi.fn() }, ...options });
}

async function parcelDatabase(): Promise<TestDatabase> {
  const db = await testDatabase();
  await db.query(`create table parcel (
    number text primary key,
    mother text references parcel deferrable initially deferred
  )`);
  return db;
}

const INSERT = 'insert into parcel (number, mother) values ($1, $2)';
const parcels = (db: TestDatabase) => db.query('select number from parcel order by number');

describe('a transaction', () => {
  it('commits what its function did and answers its result', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const result = await transaction(pool, async (tx) => {
      await tx.query(INSERT, ['A1', null]);
      expect(await parcels(db)).toEqual([]);
      return 'done';
    });
    expect(result).toBe('done');
    expect(await parcels(db)).toEqual([{ number: 'A1' }]);
  });

  it('rolls back when its function throws, and passes the error on', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const error = new Error('no');
    const work = transaction(pool, async (tx) => {
      await tx.query(INSERT, ['A1', null]);
      throw error;
    });
    await expect(work).rejects.toBe(error);
    expect(await parcels(db)).toEqual([]);
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('keeps its connection good when a statement fails', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const before = await pool.query('select pg_backend_pid() as pid');
    const work = transaction(pool, async (tx) => {
      await tx.query(INSERT, ['A1', null]);
      await tx.query(INSERT, ['A1', null]);
    });
    await expect(work).rejects.toMatchObject({ code: '23505' });
    expect(await pool.query('select pg_backend_pid() as pid')).toEqual(before);
  });

  it('does not claim success when a failed statement was caught and forgotten', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const work = transaction(pool, async (tx) => {
      await tx.query(INSERT, ['A1', null]);
      await tx.query('select 1/0').catch(() => undefined);
    });
    await expect(work).rejects.toMatchObject({
      message: expect.stringContaining('rolled back'),
      cause: { code: '22012' },
    });
    expect(await parcels(db)).toEqual([]);
  });

  it('passes on what the database refuses at the commit', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const work = transaction(pool, (tx) => tx.query(INSERT, ['A1', 'nobody']));
    await expect(work).rejects.toMatchObject({ code: '23503' });
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('runs statements that were started together one after the other', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    await transaction(pool, (tx) =>
      Promise.all(['A1', 'A2', 'A3'].map((number) => tx.query(INSERT, [number, null]))),
    );
    expect(await parcels(db)).toHaveLength(3);
  });
});

describe('a Tx', () => {
  it('throws when it is used after its transaction', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    let kept: Tx | undefined;
    await transaction(pool, async (tx) => {
      kept = tx;
    });
    await expect(kept?.query(INSERT, ['A1', null])).rejects.toThrow('after the end');
    await expect(
      transaction(pool, async (tx) => {
        kept = tx;
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    await expect(kept?.query(INSERT, ['A1', null])).rejects.toThrow('after the end');
    expect(await parcels(db)).toEqual([]);
  });

  it('does not leak its connection when its function throws beside a statement', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url, { statementTimeoutMs: 300 });
    const outcomes: Promise<PromiseSettledResult<unknown>[]>[] = [];
    const work = transaction(pool, async (tx) => {
      const running = tx.query('select pg_sleep(60)');
      const queued = tx.query(INSERT, ['A1', null]);
      outcomes.push(Promise.allSettled([running, queued]));
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    expect(await outcomes[0]).toMatchObject([
      { reason: { code: '57014' } },
      { reason: { message: expect.stringContaining('after the end') } },
    ]);
    expect(pool.load.busyCount).toBe(0);
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('refuses to commit while a statement is running', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const work = transaction(pool, async (tx) => {
      void tx.query(INSERT, ['A1', null]);
    });
    await expect(work).rejects.toThrow('await each one');
    expect(await parcels(db)).toEqual([]);
    expect(pool.load.busyCount).toBe(0);
  });
});

describe('a transaction whose connection breaks', () => {
  it('says DEPENDENCY_DOWN when the answer to the commit is lost', async () => {
    await using db = await parcelDatabase();
    await using proxy = await openProxy(db.url);
    proxy.cutAfter = 'commit';
    await using pool = open(proxy.url);
    const work = transaction(pool, (tx) => tx.query(INSERT, ['A1', null]));
    await expect(work).rejects.toMatchObject({
      reason: 'DEPENDENCY_DOWN',
      cause: { message: expect.stringContaining('not known') },
    });
    // The server has got the commit: who repeats blindly would do it twice.
    await vi.waitFor(async () => expect(await parcels(db)).toEqual([{ number: 'A1' }]));
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('closes a connection on which the rollback failed', async () => {
    await using db = await parcelDatabase();
    await using pool = open(db.url);
    const [before] = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    const work = transaction(pool, async (tx) => {
      await tx.query('select 1');
      await db.query('select pg_terminate_backend($1)', [before?.pid]);
      throw new Error('no');
    });
    await expect(work).rejects.toThrow('no');
    const [after] = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
    expect(after?.pid).not.toBe(before?.pid);
  });
});
