import { Pool as PgPool } from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import { openPool, type PoolOptions } from './pool.ts';
import { openProxy } from './test-proxy.ts';
import { transaction } from './transaction.ts';

const log = { warn: vi.fn() };

function open(url: string, options: Partial<PoolOptions> = {}) {
  return openPool({ url, name: 'pool-test', log, ...options });
}

const OTHERS = `from pg_stat_activity
  where application_name = 'pool-test' and datname = current_database()`;

describe('a pool', () => {
  it('answers rows as they stand in the database, int8 as text', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url);
    const rows = await pool.query(`select 9007199254740993::int8 as lease_id, 'a' as order_ref`);
    expect(rows).toEqual([{ lease_id: '9007199254740993', order_ref: 'a' }]);
  });

  it('sends a Buffer as it is', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url);
    const bytes = Buffer.from([0, 255, 92, 39]);
    expect(await pool.query('select $1::bytea as body', [bytes])).toEqual([{ body: bytes }]);
  });

  it('sets its name and the three time-outs on the server', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { statementTimeoutMs: 1234 });
    const names = [
      'application_name',
      'statement_timeout',
      'lock_timeout',
      'idle_in_transaction_session_timeout',
    ];
    const columns = names.map((name) => `current_setting('${name}') as ${name}`);
    expect(await pool.query(`select ${columns.join(', ')}`)).toEqual([
      {
        application_name: 'pool-test',
        statement_timeout: '1234ms',
        lock_timeout: '2s',
        idle_in_transaction_session_timeout: '10s',
      },
    ]);
  });

  it('prepares a named statement once, and none behind a bouncer', async () => {
    await using db = await testDatabase();
    await using direct = open(db.url, { maxConnections: 1 });
    await using bounced = open(db.url, { maxConnections: 1, viaBouncer: true });
    for (const pool of [direct, bounced]) {
      await pool.query('select $1::int4', [1], { name: 'one' });
      await pool.query('select $1::int4', [2], { name: 'one' });
    }
    const prepared = 'select name from pg_prepared_statements';
    expect(await direct.query(prepared)).toEqual([{ name: 'one' }]);
    expect(await bounced.query(prepared)).toEqual([]);
    const shown = await bounced.query('show statement_timeout');
    expect(shown).toEqual([{ statement_timeout: '0' }]);
  });

  it('gets over a prepared statement that a migration made stale', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1 });
    await db.query('create table parcel as select 1 as weight_g');
    const select = () => pool.query('select * from parcel', [], { name: 'select_parcel' });
    await select();
    await db.query('alter table parcel alter weight_g type int8');
    await expect(select()).rejects.toMatchObject({ code: '0A000' });
    expect(await select()).toEqual([{ weight_g: '1' }]);
  });

  it('refuses a statement name that Postgres would cut off', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url);
    await expect(pool.query('select 1', [], { name: 'n'.repeat(64) })).rejects.toThrow('63');
  });
});

describe('a pool under load', () => {
  it('refuses at once when too many wait', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1, maxWaiting: 2 });
    const held = await pool.connect();
    const waiting = [pool.query('select 1'), pool.query('select 1')];
    expect(pool.load).toEqual({ openCount: 1, busyCount: 1, waitingCount: 2 });
    await expect(pool.query('select 1')).rejects.toMatchObject({
      reason: 'OVERLOADED',
      retryAfterMs: expect.any(Number),
    });
    held.release();
    await Promise.all(waiting);
    expect(pool.load.waitingCount).toBe(0);
  });

  it('lets nobody wait longer than the queue time-out, and serves who comes later', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1, queueTimeoutMs: 500 });
    const held = await pool.connect();
    await expect(pool.query('select 1')).rejects.toMatchObject({ reason: 'OVERLOADED' });
    held.release();
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('keeps a connection whose statement timed out', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1, statementTimeoutMs: 200 });
    const pid = () => pool.query('select pg_backend_pid() as pid');
    const before = await pid();
    await expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' });
    expect(await pid()).toEqual(before);
  });

  it('keeps a connection whose statement was refused; the library would close it', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1 });
    const twin = new PgPool({ connectionString: db.url, max: 1 }).on('error', () => undefined);
    const sql = 'select pg_backend_pid() as pid';
    const before = await pool.query(sql);
    await expect(pool.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
    expect(await pool.query(sql)).toEqual(before);

    const twinBefore = (await twin.query(sql)).rows;
    await expect(twin.query('select 1/0')).rejects.toMatchObject({ code: '22012' });
    expect((await twin.query(sql)).rows).not.toEqual(twinBefore);
    await twin.end();
  });
});

describe('a pool whose connections break', () => {
  it('outlives a terminated idle backend', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url);
    await pool.query('select 1');
    log.warn.mockClear();
    await db.query(`select pg_terminate_backend(pid) ${OTHERS}`);
    await vi.waitFor(() => expect(log.warn).toHaveBeenCalledOnce());
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it("would end the process if nobody listened to the library's error", async () => {
    await using db = await testDatabase();
    const twin = new PgPool({ connectionString: db.url, application_name: 'pool-test' });
    // With a listener this test lives; without one, `emit` throws what it is given.
    const heard = new Promise<Error>((resolve) => twin.once('error', resolve));
    await twin.query('select 1');
    await db.query(`select pg_terminate_backend(pid) ${OTHERS}`);
    const error = await heard;
    expect(() => twin.emit('error', error, undefined as never)).toThrow(error);
    await twin.end();
  });

  it('outlives a backend that ends in the packet that makes it ready', async () => {
    await using db = await testDatabase();
    await using proxy = await openProxy(db.url);
    await using pool = open(proxy.url, { maxConnections: 1 });
    proxy.holdsReady = true;
    const lost = expect(pool.query('select 1')).rejects.toMatchObject({
      reason: 'DEPENDENCY_DOWN',
    });
    await vi.waitFor(async () => {
      const ended = await db.query(`select pg_terminate_backend(pid) ${OTHERS}
        and state = 'idle'`);
      expect(ended).toHaveLength(1);
    });
    await lost;
    proxy.holdsReady = false;
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('outlives a backend that ends between two statements of a transaction', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1 });
    const work = transaction(pool, async (tx) => {
      await tx.query('select 1');
      await db.query(`select pg_terminate_backend(pid) ${OTHERS}`);
      await vi.waitFor(async () => expect(await db.query(`select pid ${OTHERS}`)).toEqual([]));
      await tx.query('select 1');
    });
    await expect(work).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('tells that a running statement was cut off', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url, { maxConnections: 1, statementTimeoutMs: 60_000 });
    const cutOff = expect(pool.query('select pg_sleep(60)')).rejects.toMatchObject({
      reason: 'DEPENDENCY_DOWN',
    });
    await vi.waitFor(async () => {
      const ended = await db.query(`select pg_terminate_backend(pid) ${OTHERS}
        and query like '%pg_sleep(60)'`);
      expect(ended).toHaveLength(1);
    });
    await cutOff;
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('gives up a server that has gone silent, and connects anew', async () => {
    await using db = await testDatabase();
    await using proxy = await openProxy(db.url);
    await using pool = open(proxy.url, {
      maxConnections: 1,
      statementTimeoutMs: 200,
      answerMarginMs: 200,
    });
    await pool.query('select 1');
    proxy.isSilent = true;
    await expect(pool.query('select 1')).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    proxy.isSilent = false;
    expect(await pool.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('says that the server is away', async () => {
    await using pool = open('postgres://nobody@127.0.0.1:1/none');
    await expect(pool.query('select 1')).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
  });

  it('passes on why the server refused the connection', async () => {
    await using db = await testDatabase();
    await using pool = open(db.url.replace(db.name, 'no_such_database'));
    await expect(pool.query('select 1')).rejects.toMatchObject({ code: '3D000' });
  });

  it('refuses who waits and who comes when it closes, and lets the rest finish', async () => {
    await using db = await testDatabase();
    const pool = open(db.url, { maxConnections: 1 });
    const held = await pool.connect();
    const waiting = pool.query('select 1');
    const closing = pool[Symbol.asyncDispose]();
    await expect(waiting).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    await expect(pool.query('select 1')).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    expect((await held.run('select 1 as one')).rows).toEqual([{ one: 1 }]);
    held.release();
    await closing;
    await pool[Symbol.asyncDispose]();
  });
});
