import { expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import {
  dropPartitions,
  makePartitions,
  PARTITION_MS,
  sweepDefault,
  sweepInbox,
} from './partition.ts';
import { openPool } from './pool.ts';
import { startRelay } from './relay.ts';

async function setUp() {
  const db = await testDatabase({ schemas: { demo: [] } });
  // A pool so patient that only the upkeep's own limit keeps it from waiting for a table.
  const patience = { statementTimeoutMs: 600_000, lockTimeoutMs: 600_000 };
  const pool = openPool({ url: db.url, name: 'test', log: { warn: vi.fn() }, ...patience });
  // As after a stop of many days: migrating has made those of today.
  await db.query(`do $$ declare name text; begin
    for name in select inhrelid::regclass::text from pg_inherits
      where inhparent = 'demo.outbox'::regclass
        and inhrelid <> 'demo.outbox_default'::regclass
    loop execute 'drop table ' || name; end loop;
  end $$`);
  const insert = (createTime: string) =>
    db.query(`insert into demo.outbox (event_id, subject, type, payload, create_time)
      values (gen_random_uuid(), 'a', 'b', '', ${createTime})`);
  return {
    db,
    pool,
    insert,
    partitions: async () => {
      const rows = await db.query<{ name: string }>(
        `select inhrelid::regclass::text as name from pg_inherits
         where inhparent = 'demo.outbox'::regclass order by 1`,
      );
      return rows.map(({ name }) => name);
    },
    /** As if all were published. */
    publishAll: () =>
      db.query(`update demo.outbox_position set (xid, id) =
        (select xid, id from demo.outbox order by xid desc, id desc limit 1)`),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const WAIT = { timeout: 15_000 };
const INSERT = `insert into demo.outbox (event_id, subject, type, payload)
  values (gen_random_uuid(), 'a', 'b', '')`;
const WHERE = 'select tableoid::regclass::text as name from demo.outbox';
const DAYS_3 = `now() - interval '3 days'`;
const AHEAD = { withPresent: false };
const DAYS_2_MS = 48 * 3_600_000;

/** A partition of three days ago, as the relay would have made it then. */
async function makeOld(box: Awaited<ReturnType<typeof setUp>>): Promise<string> {
  const [row] = await box.db.query<{ ms: number }>(
    `select extract(epoch from date_bin('6 hours', ${DAYS_3}, '2000-01-01 00:00Z'))::float8 * 1000
       as ms`,
  );
  const from = new Date(row?.ms ?? 0);
  const to = new Date(from.getTime() + PARTITION_MS);
  const mark = from.toISOString().replace(/^(\d+)-(\d+)-(\d+)T(\d+).*/, '$1$2$3_$4');
  await box.db.query(`create table demo.outbox_${mark} partition of demo.outbox
    for values from ('${from.toISOString()}') to ('${to.toISOString()}')`);
  return `demo.outbox_${mark}`;
}

it('makes the partitions of a day ahead, once', async () => {
  await using box = await setUp();
  await makePartitions(box.pool, 'demo', AHEAD);
  const made = await box.partitions();
  // One less in the last minute before the next piece of time.
  expect([4, 5]).toContain(made.length);
  await makePartitions(box.pool, 'demo', AHEAD);
  expect(await box.partitions()).toEqual(made);
  await box.insert(`now() + interval '12 hours'`);
  await box.insert('now()');
  await box.insert(`now() + interval '4 days'`);
  const places = (await box.db.query<{ name: string }>(WHERE)).map(({ name }) => name);
  expect(places.filter((name) => name === 'demo.outbox_default')).toHaveLength(2);
  expect(places.filter((name) => /^demo\.outbox_\d{8}_(00|06|12|18)$/.test(name))).toHaveLength(1);
});

it('makes that of the present where it is asked to', async () => {
  await using box = await setUp();
  await makePartitions(box.pool, 'demo', { withPresent: true });
  await box.insert('now()');
  expect(await box.db.query(WHERE)).not.toContainEqual({ name: 'demo.outbox_default' });
});

it('leaves a piece of time in the default partition that has events there already', async () => {
  await using box = await setUp();
  await box.insert('now()');
  await makePartitions(box.pool, 'demo', { withPresent: true });
  await box.insert('now()');
  expect(await box.db.query(WHERE)).toEqual(Array(2).fill({ name: 'demo.outbox_default' }));
});

it('leaves out the present, whose partition would refuse an event that is on its way', async () => {
  await using box = await setUp();
  // The twin makes it while an event waits for the default partition.
  await box.db.query('begin');
  await box.db.query('create table demo.twin (like demo.outbox including defaults)');
  await box.db.query(`alter table demo.outbox attach partition demo.twin
    for values from ('2020-01-01') to ('2200-01-01')`);
  const writing = expect(box.pool.query(INSERT)).rejects.toMatchObject({ code: '23514' });
  await vi.waitFor(async () => {
    const waiting = await box.pool.query(`select from pg_stat_activity
      where wait_event_type = 'Lock' and datname = current_database()`);
    expect(waiting).toHaveLength(1);
  }, WAIT);
  await box.db.query('commit');
  await writing;
});

it('does not hold up writers when somebody reads the default partition for long', async () => {
  await using box = await setUp();
  await box.db.query('begin');
  await box.db.query('select from demo.outbox_default');
  await makePartitions(box.pool, 'demo', AHEAD);
  await box.pool.query(INSERT);
  await box.db.query('rollback');
  expect(await box.partitions()).toEqual(['demo.outbox_default']);
});

it('drops an old partition only when all its events are published', async () => {
  await using box = await setUp();
  const old = await makeOld(box);
  await makePartitions(box.pool, 'demo', AHEAD);
  await box.insert(DAYS_3);
  const drop = (fence = '0') => dropPartitions(box.pool, 'demo', { retentionMs: DAYS_2_MS, fence });
  expect(await drop()).toEqual([]);
  await box.publishAll();
  // Not by a relay that has lost the lease, and not before its time.
  expect(await drop('7')).toEqual([]);
  const long = { retentionMs: 2 * DAYS_2_MS, fence: '0' };
  expect(await dropPartitions(box.pool, 'demo', long)).toEqual([]);
  expect(await drop()).toEqual([old.replace('demo.', '')]);
  expect(await box.partitions()).not.toContain(old);
});

it('waits with the drop while somebody reads the partition', async () => {
  await using box = await setUp();
  const old = await makeOld(box);
  await box.db.query('begin');
  await box.db.query(`select from ${old}`);
  const options = { retentionMs: DAYS_2_MS, fence: '0' };
  expect(await dropPartitions(box.pool, 'demo', options)).toEqual([]);
  await box.db.query('rollback');
  expect(await dropPartitions(box.pool, 'demo', options)).toHaveLength(1);
});

it('sweeps the default partition of what is old and published, nothing else', async () => {
  await using box = await setUp();
  await box.insert(DAYS_3);
  await box.insert('now()');
  await box.publishAll();
  await box.insert(DAYS_3);
  await sweepDefault(box.pool, 'demo', DAYS_2_MS);
  expect(await box.db.query('select id from demo.outbox order by id')).toEqual([
    { id: '2' },
    { id: '3' },
  ]);
});

it('forgets old inbox rows', async () => {
  await using box = await setUp();
  await box.db.query(`insert into demo.inbox (consumer, event_id, receive_time) values
    ('old', gen_random_uuid(), ${DAYS_3}), ('new', gen_random_uuid(), now())`);
  await sweepInbox(box.pool, 'demo', DAYS_2_MS);
  expect(await box.db.query('select consumer from demo.inbox')).toEqual([{ consumer: 'new' }]);
});

it('is done by a running relay, also while the bus is away', async () => {
  await using box = await setUp();
  const old = await makeOld(box);
  const away = async () => {
    throw new Error('bus away');
  };
  const log = { info: vi.fn(), warn: vi.fn() };
  const options = { pool: box.pool, schema: 'demo', log, publish: away, streamIdentity: away };
  await using _relay = startRelay(options);
  await vi.waitFor(async () => {
    const names = await box.partitions();
    expect(names).not.toContain(old);
    expect(names.length).toBeGreaterThanOrEqual(4);
  }, WAIT);
});
