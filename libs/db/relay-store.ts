// The relay's SQL, one function for a statement. Every change of the position names the fence.
import type { Queryable } from './connection.ts';
import { quoteName } from './name.ts';
import type { OutboxEvent } from './outbox.ts';

/** Takes the lease if nobody holds it; the database's clock is the only one that counts. */
export async function takeLease(
  db: Queryable,
  schema: string,
  leaseMs: number,
): Promise<LeaseRow | undefined> {
  const rows = await db.query<LeaseRow>(
    `update ${quoteName(schema)}.outbox_position
     set fence = fence + 1,
       lease_end_time = clock_timestamp() + $1::int8 * interval '1 ms'
     where lease_end_time < clock_timestamp()
     returning fence, xid::text as xid, id, stream_identity`,
    [leaseMs],
  );
  return rows[0];
}

/** False if another relay has taken the lease meanwhile. */
export async function renewLease(db: Queryable, schema: string, lease: Held): Promise<boolean> {
  const rows = await db.query(
    `update ${quoteName(schema)}.outbox_position
     set lease_end_time = clock_timestamp() + $2::int8 * interval '1 ms'
     where fence = $1::int8
     returning fence`,
    [lease.fence, lease.leaseMs],
    { name: `renew_lease_${schema}` },
  );
  return rows.length === 1;
}

/** Lets the next relay begin at once. */
export async function returnLease(db: Queryable, schema: string, fence: string): Promise<void> {
  await db.query(
    `update ${quoteName(schema)}.outbox_position
     set lease_end_time = '-infinity'
     where fence = $1::int8`,
    [fence],
  );
}

/**
 * The next events in commit-safe order: below the oldest transaction that still runs, so that no
 * row with a lower (xid, id) can appear later. At most 256 of them and, but for a single one, at
 * most 8 MB of payload.
 */
export async function selectWindow(
  db: Queryable,
  schema: string,
  after: Position,
): Promise<WindowRow[]> {
  return db.query<WindowRow>(windowSql(schema), [after.xid, after.id], {
    name: `select_window_${schema}`,
  });
}

/** The limits stand in the text: with parameters the planner would expect a tenth of the table. */
export function windowSql(schema: string): string {
  return `select sized.xid::text as xid, sized.id, ${EVENT_COLUMNS}
     from (
       select xid, id, ${EVENT_COLUMNS},
         sum(octet_length(payload)) over (order by xid, id) - octet_length(payload) as bytes_before
       from (
         select xid, id, ${EVENT_COLUMNS}
         from ${quoteName(schema)}.outbox
         where (xid, id) > ($1::xid8, $2::int8)
           and xid < pg_snapshot_xmin(pg_current_snapshot())
         order by xid, id
         limit ${WINDOW_COUNT}
       ) as ahead
     ) as sized
     where bytes_before < ${WINDOW_BYTES}
     order by sized.xid, sized.id`;
}

/** Also renews the lease. False, and nothing moved, if another relay has taken it. */
export async function movePosition(
  db: Queryable,
  schema: string,
  { lease, to }: { lease: Held; to: Position },
): Promise<boolean> {
  const rows = await db.query(
    `update ${quoteName(schema)}.outbox_position
     set xid = $3::xid8, id = $4::int8,
       lease_end_time = clock_timestamp() + $2::int8 * interval '1 ms'
     where fence = $1::int8
     returning fence`,
    [lease.fence, lease.leaseMs, to.xid, to.id],
    { name: `move_position_${schema}` },
  );
  return rows.length === 1;
}

/** Notes which stream the position counts for. False if another relay has taken the lease. */
export async function setStream(
  db: Queryable,
  schema: string,
  { fence, identity, fromStart }: { fence: string; identity: string; fromStart: boolean },
): Promise<boolean> {
  const rows = await db.query(
    `update ${quoteName(schema)}.outbox_position
     set stream_identity = $2::text,
       xid = case when $3::bool then '0'::xid8 else xid end,
       id = case when $3::bool then 0 else id end
     where fence = $1::int8
     returning fence`,
    [fence, identity, fromStart],
  );
  return rows.length === 1;
}

/**
 * Whether the position, or an event, is of a transaction that this server has yet to begin. Then
 * the tables come from a dump of another server, whose transactions count from elsewhere.
 */
export async function isFromDump(db: Queryable, schema: string): Promise<boolean> {
  const rows = await db.query<{ is_ahead: boolean }>(
    `select position.xid >= pg_snapshot_xmax(pg_current_snapshot())
       or exists (
         select from ${quoteName(schema)}.outbox
         where xid >= pg_snapshot_xmax(pg_current_snapshot())
       ) as is_ahead
     from ${quoteName(schema)}.outbox_position as position`,
  );
  return rows[0]?.is_ahead ?? false;
}

/**
 * Gives events from a dump transactions of this server, in their old order, up to `count` of them.
 * Answers how many. Until it is done, new events would be sorted before older ones.
 */
export async function restampEvents(db: Queryable, schema: string, count: number): Promise<number> {
  const outbox = `${quoteName(schema)}.outbox`;
  const rows = await db.query<{ count: string }>(
    `with stale as (
       select create_time, id
       from ${outbox}
       where xid >= pg_snapshot_xmax(pg_current_snapshot())
       order by xid, id
       limit $1::int8
     ), moved as (
       update ${outbox} as outbox
       set xid = pg_current_xact_id()
       from stale
       where outbox.create_time = stale.create_time and outbox.id = stale.id
       returning outbox.id
     )
     select count(*) as count from moved`,
    [count],
  );
  return Number(rows[0]?.count ?? 0);
}

/** The next 256 events of a time range, published or not, in the order of their creation. */
export async function selectRange(
  db: Queryable,
  schema: string,
  { from, to, after }: TimeRange & { after: RangeMark },
): Promise<RangeRow[]> {
  return db.query<RangeRow>(
    `select create_time::text as mark_time, id, ${EVENT_COLUMNS}
     from ${quoteName(schema)}.outbox
     where create_time >= $1::timestamptz and create_time < $2::timestamptz
       and (create_time, id) > ($3::timestamptz, $4::int8)
     order by outbox.create_time, id
     limit ${WINDOW_COUNT}`,
    [from, to, after.mark_time, after.id],
  );
}

/** How many events of a time range are kept. */
export async function countRange(
  db: Queryable,
  schema: string,
  { from, to, after }: TimeRange & { after: RangeMark },
): Promise<number> {
  const rows = await db.query<{ count: string }>(
    `select count(*) as count
     from ${quoteName(schema)}.outbox
     where create_time >= $1::timestamptz and create_time < $2::timestamptz
       and (create_time, id) > ($3::timestamptz, $4::int8)`,
    [from, to, after.mark_time, after.id],
  );
  return Number(rows[0]?.count);
}

/** What waits beyond the position, counted up to `countMax`. */
export async function selectLag(
  db: Queryable,
  schema: string,
  countMax: number,
): Promise<{ count: number; oldestMs: number }> {
  const rows = await db.query<{ count: string; oldest_ms: number }>(
    `select count(*) as count,
       coalesce(extract(epoch from clock_timestamp() - min(create_time)) * 1000, 0)::float8
         as oldest_ms
     from (
       select create_time
       from ${quoteName(schema)}.outbox
       where (xid, id) > (
         (select xid from ${quoteName(schema)}.outbox_position),
         (select id from ${quoteName(schema)}.outbox_position)
       )
       order by xid, id
       limit $1::int8
     ) as waiting`,
    [countMax],
  );
  const row = rows[0];
  return {
    count: Number(row?.count ?? 0),
    oldestMs: Math.max(0, Math.round(row?.oldest_ms ?? 0)),
  };
}

export function toEvent(row: EventRow): RelayedEvent {
  return {
    eventId: row.event_id,
    subject: row.subject,
    type: row.type,
    payload: row.payload,
    createTime: row.create_time,
  };
}

export const WINDOW_COUNT = 256;
const WINDOW_BYTES = 8_000_000;
const EVENT_COLUMNS = 'event_id, subject, type, payload, create_time';

export type RelayedEvent = OutboxEvent & {
  /** When the transaction of the event's cause began, by the database's clock. */
  createTime: Date;
};

/** xid8 and int8, in their text form. Events are published in the order of both. */
export type Position = { xid: string; id: string };
export type LeaseRow = Position & { fence: string; stream_identity: string | null };
export type Held = { fence: string; leaseMs: number };
export type TimeRange = { from: Date; to: Date };
/** A time in the database's own precision, which a Date has not. */
export type RangeMark = { mark_time: string; id: string };
type EventRow = {
  event_id: string;
  subject: string;
  type: string;
  payload: Uint8Array;
  create_time: Date;
};
type WindowRow = Position & EventRow;
type RangeRow = RangeMark & EventRow;
