import { quoteName } from './name.ts';
import type { Pool } from './pool.ts';
import { transaction } from './transaction.ts';

const HOUR_MS = 3_600_000;
/** Ten pieces for two days: few enough to look into each of them at every poll. */
export const PARTITION_MS = 6 * HOUR_MS;
const AHEAD_MS = 24 * HOUR_MS;
/** A piece that begins sooner could be the present one before it is made. */
const SAFE_AHEAD_MS = 60_000;

/**
 * Makes the outbox partitions of the next day, and with `withPresent` that of now. The present one
 * only where nobody writes yet: an event on its way to the default partition would be refused at
 * the moment when its own partition appears. A piece of time of which the default partition
 * already holds events stays there: to move them would hold up the writers.
 */
export async function makePartitions(
  pool: Pool,
  schema: string,
  { withPresent }: { withPresent: boolean },
): Promise<void> {
  const { nowMs, starts } = await selectPartitions(pool, schema);
  const presentMs = nowMs - (nowMs % PARTITION_MS);
  for (let startMs = presentMs; startMs <= nowMs + AHEAD_MS; startMs += PARTITION_MS) {
    const isPresent = startMs < nowMs + SAFE_AHEAD_MS;
    if (starts.has(startMs) || (isPresent && !withPresent)) continue;
    await makePartition(pool, schema, startMs);
  }
}

/** Drops each partition that ended over `retentionMs` ago and is published. Answers their names. */
export async function dropPartitions(
  pool: Pool,
  schema: string,
  { retentionMs, fence }: { retentionMs: number; fence: string },
): Promise<string[]> {
  const { nowMs, starts } = await selectPartitions(pool, schema);
  const dropped: string[] = [];
  for (const [startMs, name] of starts) {
    if (startMs + PARTITION_MS > nowMs - retentionMs) continue;
    if (await dropIfPublished(pool, { schema, name, fence })) dropped.push(name);
  }
  return dropped;
}

/** Deletes published events that ended up in the default partition, when they are old enough. */
export async function sweepDefault(pool: Pool, schema: string, retentionMs: number): Promise<void> {
  const net = `${quoteName(schema)}.outbox_default`;
  await sweep(pool, retentionMs, {
    table: net,
    old: `select old.ctid
       from ${net} as old, ${quoteName(schema)}.outbox_position as position
       where old.create_time < now() - $1::int8 * interval '1 ms'
         and (old.xid, old.id) <= (position.xid, position.id)`,
  });
}

/** Forgets which events were taken over `keepMs` ago; an event must not arrive again after that. */
export async function sweepInbox(pool: Pool, schema: string, keepMs: number): Promise<void> {
  const inbox = `${quoteName(schema)}.inbox`;
  await sweep(pool, keepMs, {
    table: inbox,
    old: `select ctid from ${inbox} where receive_time < now() - $1::int8 * interval '1 ms'`,
  });
}

/** Deletes what `old` selects, in short transactions. What is over the limit waits for later. */
async function sweep(pool: Pool, ageMs: number, { table, old }: Sweep): Promise<void> {
  for (let round = 0; round < SWEEP_ROUNDS; round += 1) {
    const rows = await pool.query<{ count: string }>(
      `with swept as (
         delete from ${table} where ctid = any (array(${old} limit ${SWEEP_COUNT})) returning 1
       )
       select count(*) as count from swept`,
      [ageMs],
    );
    if (Number(rows[0]?.count) < SWEEP_COUNT) return;
  }
}

/** The partitions by the start of their time, and the database's clock. */
async function selectPartitions(pool: Pool, schema: string): Promise<Partitions> {
  const rows = await pool.query<{ now_ms: number; name: string | null }>(
    `select extract(epoch from now())::float8 * 1000 as now_ms, child.relname as name
     from (select $1::regclass as outbox) as parent
     left join pg_inherits on inhparent = parent.outbox
     left join pg_class as child on child.oid = inhrelid`,
    [`${quoteName(schema)}.outbox`],
  );
  const starts = new Map<number, string>();
  for (const { name } of rows) {
    const startMs = startOf(name ?? '');
    if (name !== null && startMs !== undefined) starts.set(startMs, name);
  }
  return { nowMs: rows[0]?.now_ms ?? 0, starts };
}

async function makePartition(pool: Pool, schema: string, startMs: number): Promise<void> {
  const outbox = `${quoteName(schema)}.outbox`;
  const piece = `${quoteName(schema)}.${quoteName(nameOf(startMs))}`;
  const from = new Date(startMs).toISOString();
  const to = new Date(startMs + PARTITION_MS).toISOString();
  try {
    await transaction(pool, async (tx) => {
      await waitShortly(tx);
      // Made apart and then attached: "create table … partition of" would lock out all writers.
      await tx.query(`create table ${piece} (like ${outbox} including defaults including storage)`);
      await tx.query(
        `alter table ${outbox} attach partition ${piece} for values from ('${from}') to ('${to}')`,
      );
    });
  } catch (error) {
    if (!CAN_WAIT.has((error as { code?: string }).code ?? '')) throw error;
  }
}

async function dropIfPublished(
  pool: Pool,
  { schema, name, fence }: { schema: string; name: string; fence: string },
): Promise<boolean> {
  const piece = `${quoteName(schema)}.${quoteName(name)}`;
  try {
    return await transaction(pool, async (tx) => {
      await waitShortly(tx);
      const published = await tx.query(
        `select from ${quoteName(schema)}.outbox_position as position
         where fence = $1::int8
           and not exists (
             select from ${piece} as event
             where (event.xid, event.id) > (position.xid, position.id)
           )
         for update`,
        [fence],
      );
      if (published.length === 0) return false;
      await tx.query(`drop table ${piece}`);
      return true;
    });
  } catch (error) {
    if (!CAN_WAIT.has((error as { code?: string }).code ?? '')) throw error;
    return false;
  }
}

/** While this waits for a table, so does every writer that comes after it. */
async function waitShortly(tx: { query(text: string): Promise<unknown> }): Promise<void> {
  await tx.query(`set local lock_timeout = '200ms'`);
}

/** outbox_20261111_06 begins on that day at 6:00 UTC. */
function nameOf(startMs: number): string {
  const [day, time] = new Date(startMs).toISOString().split('T') as [string, string];
  return `outbox_${day.replaceAll('-', '')}_${time.slice(0, 2)}`;
}

function startOf(name: string): number | undefined {
  const [, year, month, day, hour] = /^outbox_(\d{4})(\d\d)(\d\d)_(\d\d)$/.exec(name) ?? [];
  if (hour === undefined) return undefined;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour));
}

const SWEEP_COUNT = 10_000;
const SWEEP_ROUNDS = 20;

// lock_not_available: somebody works on the table. check_violation: the default partition holds
// events of this piece. duplicate_table: another relay was quicker. The next round comes anyway.
const CAN_WAIT = new Set(['55P03', '23514', '42P07']);

type Partitions = { nowMs: number; starts: Map<number, string> };
type Sweep = { table: string; old: string };
