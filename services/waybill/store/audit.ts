// The auditor's SQL. All of it reads one snapshot, in pages of a cursor, so that memory stays flat.
import type { Queryable, Tx } from '#libs/db';

const PAGE_COUNT = 5_000;

/**
 * Makes the transaction see one moment and change nothing. It has no transaction number, so the
 * relay, which waits for older writers, does not wait for it.
 */
export async function beginSnapshot(tx: Tx): Promise<Date> {
  await tx.query('set transaction isolation level repeatable read, read only');
  // A wall between tenants hides nothing from an auditor.
  await tx.query(`set local queqiao.tenant = 'everybody'`);
  // The rows themselves are examined: an index that a fault has broken must not vouch for them.
  await tx.query('set local enable_indexscan = off');
  await tx.query('set local enable_indexonlyscan = off');
  await tx.query('set local enable_bitmapscan = off');
  await tx.query(`set local work_mem = '64MB'`);
  const rows = await tx.query<{ now: Date }>('select clock_timestamp() as now');
  return (rows[0] as { now: Date }).now;
}

/** All waybills, by bucket and number. */
export function waybills(tx: Tx): AsyncGenerator<AuditedWaybill[]> {
  return pages<AuditedWaybill>(
    tx,
    'audited_waybill',
    `select bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id, state,
       data_key_id, ${minuteOf('issue_time')} as issue_minute,
       ${minuteOf('cancel_time')} as cancel_minute
     from waybill.waybill
     order by bucket, waybill_number`,
  );
}

/** Waybills issued or cancelled in those minutes; for a closer look. */
export function waybillsOfMinutes(tx: Tx, minutes: number[]): AsyncGenerator<AuditedWaybill[]> {
  return pages<AuditedWaybill>(
    tx,
    'audited_minute',
    `select bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id, state,
       data_key_id, ${minuteOf('issue_time')} as issue_minute,
       ${minuteOf('cancel_time')} as cancel_minute
     from waybill.waybill
     where ${minuteOf('issue_time')} = any ($1::int4[])
       or ${minuteOf('cancel_time')} = any ($1::int4[])`,
    [minutes],
  );
}

/** Leases that belong to a bucket, by bucket and then as their numbers are ordered. */
export function leasesByBucket(tx: Tx): AsyncGenerator<AuditedLease[]> {
  return pages<AuditedLease>(
    tx,
    'audited_lease_of_bucket',
    `select ${LEASE_COLUMNS}
     from waybill.number_lease
     where bucket is not null
     order by bucket, lower(span)`,
  );
}

/** All leases, free ones too, as their numbers are ordered. */
export function leases(tx: Tx): AsyncGenerator<AuditedLease[]> {
  return pages<AuditedLease>(
    tx,
    'audited_lease',
    `select ${LEASE_COLUMNS} from waybill.number_lease order by lower(span), lease_id`,
  );
}

/** How far each range is leased, by the cursor and by the leases themselves. */
export function selectCursors(tx: Tx): Promise<AuditedCursor[]> {
  return tx.query<AuditedCursor>(
    `select range_id, number_cursor.next_serial, leased.last_serial
     from waybill.number_cursor
     full join (
       select range_id, max(last_serial) as last_serial
       from waybill.number_lease
       group by range_id
     ) as leased using (range_id)
     order by range_id`,
  );
}

/** Numbers of several waybills, found by sorting all of them; at most `limit`, and how many. */
export function selectDoubleNumbers(tx: Tx, limit: number): Promise<DoubleRow[]> {
  return tx.query<DoubleRow>(
    `select waybill_number as example, count(*) over () as total
     from waybill.waybill
     group by waybill_number
     having count(*) > 1
     order by waybill_number
     limit $1::int4`,
    [limit],
  );
}

/** Parcel keys of several waybills, upper and lower case alike: the numbers that share one. */
export function selectDoubleKeys(tx: Tx, limit: number): Promise<DoubleRow[]> {
  return tx.query<DoubleRow>(
    `select array_to_string((array_agg(waybill_number order by waybill_number))[1:3], ' ')
         as example,
       count(*) over () as total
     from waybill.waybill
     group by merchant_id, order_key, parcel_no
     having count(*) > 1
     order by 1
     limit $1::int4`,
    [limit],
  );
}

export function selectDataKeyOwners(
  tx: Tx,
): Promise<{ data_key_id: string; merchant_id: string }[]> {
  return tx.query('select data_key_id, merchant_id from waybill.data_key');
}

/**
 * The kept events created since then. `is_published` tells those that the relay has seen stored in
 * the stream.
 */
export function events(tx: Tx, since: Date): AsyncGenerator<AuditedEvent[]> {
  return pages<AuditedEvent>(
    tx,
    'audited_event',
    `select outbox.event_id, outbox.subject, outbox.type, outbox.payload,
       ${minuteOf('outbox.create_time')} as create_minute,
       (outbox.xid, outbox.id) <= (position.xid, position.id) as is_published
     from waybill.outbox, waybill.outbox_position as position
     where outbox.create_time >= $1::timestamptz`,
    [since],
    EVENT_PAGE_COUNT,
  );
}

/** Which of these events the outbox has at this moment. */
export async function selectKnownEvents(
  db: Queryable,
  eventIds: string[],
  since: Date,
): Promise<Set<string>> {
  const rows = await db.query<{ event_id: string }>(
    `select event_id from waybill.outbox
     where create_time >= $2::timestamptz and event_id::text = any ($1::text[])`,
    [eventIds, since],
  );
  return new Set(rows.map((row) => row.event_id));
}

/** Reads a statement's rows through a cursor: one pass, one order, a page in memory. */
async function* pages<Row>(
  tx: Tx,
  cursor: string,
  select: string,
  values: unknown[] = [],
  count = PAGE_COUNT,
): AsyncGenerator<Row[]> {
  await tx.query(`declare ${cursor} no scroll cursor for ${select}`, values);
  for (;;) {
    const rows = await tx.query<Row>(`fetch forward ${count} from ${cursor}`);
    if (rows.length > 0) yield rows;
    if (rows.length < count) break;
  }
  await tx.query(`close ${cursor}`);
}

/** Minutes since 1970; a Date for each of two million rows would cost seconds. */
function minuteOf(column: string): string {
  return `floor(extract(epoch from ${column}) / 60)::int4`;
}

const LEASE_COLUMNS = `lease_id, range_id, bucket, first_serial, last_serial,
  lower(span) as low, upper(span) as high`;

/** An event of 250 waybills has about 40 kB. */
const EVENT_PAGE_COUNT = 250;

export type AuditedWaybill = {
  bucket: number;
  waybill_number: string;
  merchant_id: string;
  order_ref: string;
  parcel_no: number;
  courier_id: string;
  state: string;
  data_key_id: string;
  issue_minute: number;
  cancel_minute: number | null;
};

export type AuditedLease = {
  lease_id: string;
  range_id: string;
  bucket: number | null;
  first_serial: string;
  last_serial: string;
  /** As spanKey writes them. */
  low: string;
  high: string;
};

export type AuditedCursor = {
  range_id: string;
  next_serial: string | null;
  last_serial: string | null;
};

export type AuditedEvent = {
  event_id: string;
  subject: string;
  type: string;
  payload: Buffer;
  create_minute: number;
  is_published: boolean;
};

type DoubleRow = { example: string; total: string };
