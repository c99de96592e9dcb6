import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import { enqueue, type OutboxEvent } from './outbox.ts';
import { openPool, type Pool } from './pool.ts';
import { type Position, selectLag, selectWindow, windowSql } from './relay-store.ts';
import { transaction } from './transaction.ts';

async function setUp() {
  const db = await testDatabase({ schemas: { demo: [] } });
  const pool = openPool({ url: db.url, name: 'test', log: { warn: vi.fn() } });
  return {
    db,
    pool,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

function event(type: string, payload = Buffer.from(type)): OutboxEvent {
  return { eventId: randomUUID(), subject: 'queqiao.v1.test.a.happened', type, payload };
}

function put(pool: Pool, ...events: OutboxEvent[]): Promise<void> {
  return transaction(pool, (tx) => enqueue(tx, 'demo', events));
}

const START: Position = { xid: '0', id: '0' };

/** The window once it holds so many: until then tests in other databases have transactions open. */
function windowOf(pool: Pool, count: number, after = START) {
  return vi.waitFor(async () => {
    const rows = await selectWindow(pool, 'demo', after);
    expect(rows).toHaveLength(count);
    return rows;
  }, WAIT);
}

const WAIT = { timeout: 15_000 };

describe('enqueue', () => {
  it('keeps events in their order with all their parts', async () => {
    await using box = await setUp();
    const events = ['one', 'two', '三'].map((type) => event('t', Buffer.from(type)));
    await put(box.pool, ...events);
    await put(box.pool, event('last'));
    const rows = await windowOf(box.pool, 4);
    expect(rows.slice(0, 3)).toMatchObject(
      events.map(({ eventId, subject, type, payload }) => ({
        event_id: eventId,
        subject,
        type,
        payload,
      })),
    );
    expect(rows.map(({ type }) => type)).toEqual(['t', 't', 't', 'last']);
  });

  it('leaves no event of a transaction that was rolled back', async () => {
    await using box = await setUp();
    const failed = transaction(box.pool, async (tx) => {
      await enqueue(tx, 'demo', [event('one')]);
      throw new Error('no');
    });
    await expect(failed).rejects.toThrow('no');
    expect(await selectWindow(box.pool, 'demo', START)).toEqual([]);
  });

  it('refuses what the bus could never take', async () => {
    await using box = await setUp();
    for (const subject of ['', 'a..b', 'a.', '.a', 'a b', 'a.*', 'a.>', '状态']) {
      await expect(put(box.pool, { ...event('one'), subject })).rejects.toThrow('not a subject');
    }
    await expect(put(box.pool, event('状态'))).rejects.toThrow('not an event type');
    const large = event('one', Buffer.alloc(1_000_001));
    await expect(put(box.pool, large)).rejects.toThrow('at most 1000000');
    await put(box.pool);
  });
});

describe('the window of events to publish', () => {
  it('does not skip an event that commits late; a cursor over ids does', async () => {
    await using box = await setUp();
    let read: string[] = [];
    let twinCursor = 0;
    const twinRead: string[] = [];
    const readOn = async () => {
      read = (await selectWindow(box.pool, 'demo', START)).map(({ type }) => type);
      const rows = await box.db.query<{ id: string; type: string }>(
        'select id, type from demo.outbox where id > $1 order by id',
        [twinCursor],
      );
      for (const { id, type } of rows) {
        twinRead.push(type);
        twinCursor = Number(id);
      }
    };
    await transaction(box.pool, async (late) => {
      await enqueue(late, 'demo', [event('late')]);
      await put(box.pool, event('early'));
      await readOn();
      expect(read).toEqual([]);
    });
    await vi.waitFor(async () => {
      await readOn();
      expect(read).toEqual(['late', 'early']);
    }, WAIT);
    expect(twinRead).toEqual(['early']);
  });

  it('holds at most 256 events and 8 MB, but always one', async () => {
    await using box = await setUp();
    await put(box.pool, ...Array.from({ length: 300 }, () => event('small')));
    const small = await windowOf(box.pool, 256);
    const rest = await windowOf(box.pool, 44, small.at(-1));
    const large = Array.from({ length: 10 }, () => event('large', Buffer.alloc(1_000_000)));
    await put(box.pool, ...large);
    const first = await windowOf(box.pool, 8, rest.at(-1));
    await windowOf(box.pool, 2, first.at(-1));
  });

  it('is found with few looks among ten full partitions; without the index with many', async () => {
    await using box = await setUp();
    // The pieces of the past two days, as after two days of work.
    await box.db.query(`do $$ begin
      for piece in 1..8 loop
        execute format(
          'create table demo.old_%s partition of demo.outbox for values from (%L) to (%L)',
          piece,
          date_bin('6 hours', now(), '2000-01-01 00:00+00') - piece * interval '6 hours',
          date_bin('6 hours', now(), '2000-01-01 00:00+00') - (piece - 1) * interval '6 hours');
      end loop;
    end $$`);
    await box.db.query(`insert into demo.outbox (event_id, subject, type, payload, create_time)
      select gen_random_uuid(), 'a', 'b', 'c', now() - n * interval '6 hours'
      from generate_series(0, 8) as n, generate_series(1, 10000)`);
    const [last] = await box.db.query<Position>(
      'select xid::text as xid, id from demo.outbox order by xid desc, id desc offset 500 limit 1',
    );
    const pagesRead = () =>
      vi.waitFor(async () => {
        // As the relay's prepared statement runs after a while: planned once for any position.
        await box.db.query('deallocate all; set plan_cache_mode = force_generic_plan');
        await box.db.query(`prepare look(xid8, int8) as ${windowSql('demo')}`);
        const [row] = await box.db.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
          `explain (analyze, buffers, format json) execute look('${last?.xid}', ${last?.id})`,
        );
        const plan = row?.['QUERY PLAN'][0].Plan;
        expect(plan?.['Actual Rows']).toBe(256);
        return (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
      }, WAIT);
    expect(await pagesRead()).toBeLessThan(200);
    await box.db.query('analyze demo.outbox');
    expect(await pagesRead()).toBeLessThan(200);
    await box.db.query('drop index demo.outbox_order');
    expect(await pagesRead()).toBeGreaterThan(200);
  });
});

describe('the lag', () => {
  it('counts what is not published and tells the age of the oldest', async () => {
    await using box = await setUp();
    expect(await selectLag(box.pool, 'demo', 10_000)).toEqual({ count: 0, oldestMs: 0 });
    await put(box.pool, event('one'), event('two'));
    await box.db.query(`update demo.outbox set create_time = now() - interval '1 hour'
      where type = 'one'`);
    const { count, oldestMs } = await selectLag(box.pool, 'demo', 10_000);
    expect(count).toBe(2);
    expect(oldestMs).toBeGreaterThanOrEqual(3_600_000);
    expect((await selectLag(box.pool, 'demo', 1)).count).toBe(1);
    const [, two] = await windowOf(box.pool, 2);
    await box.db.query('update demo.outbox_position set xid = $1::xid8, id = $2', [
      two?.xid,
      two?.id,
    ]);
    expect(await selectLag(box.pool, 'demo', 10_000)).toEqual({ count: 0, oldestMs: 0 });
  });
});
