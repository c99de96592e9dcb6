import type { Queryable, Tx } from '#libs/db';

/** A piece of a number range that belongs to one bucket. */
export type LeaseRow = { lease_id: string; first_serial: string; last_serial: string };

/** Gives a piece that a stopped process handed back to a bucket; undefined if there is none. */
export async function takeFreeLease(tx: Tx, lease: LeaseOwner): Promise<LeaseRow | undefined> {
  const rows = await tx.query<LeaseRow>(
    `update waybill.number_lease
     set bucket = $2::int2, lease_time = $3::timestamptz
     where lease_id = (
       select lease_id from waybill.number_lease
       where range_id = $1 and bucket is null
       order by first_serial
       limit 1
       for update skip locked
     )
     returning lease_id, first_serial, last_serial`,
    [lease.rangeId, lease.bucket, lease.leaseTime],
  );
  return rows[0];
}

/** Notes a range when its first lease is asked for; nothing happens if it is known. */
export async function insertCursor(tx: Tx, rangeId: string, firstSerial: bigint): Promise<void> {
  await tx.query(
    `insert into waybill.number_cursor (range_id, next_serial)
     values ($1, $2::int8)
     on conflict (range_id) do nothing`,
    [rangeId, firstSerial],
  );
}

/**
 * Moves a range's cursor by up to `count` serials, never over an eighth of what is left, so that
 * many buckets can share the end of a range. Undefined if the range is used up.
 */
export async function advanceCursor(
  tx: Tx,
  { rangeId, lastSerial, count }: { rangeId: string; lastSerial: bigint; count: number },
): Promise<{ first: bigint; last: bigint } | undefined> {
  const rows = await tx.query<{ first_serial: string; last_serial: string }>(
    `with piece as (
       select next_serial as first_serial,
         least($3::int8, ($2::int8 - next_serial + 8) / 8) as size
       from waybill.number_cursor
       where range_id = $1 and next_serial <= $2::int8
       for update
     )
     update waybill.number_cursor cursor
     set next_serial = piece.first_serial + piece.size
     from piece
     where cursor.range_id = $1
     returning piece.first_serial, cursor.next_serial - 1 as last_serial`,
    [rangeId, lastSerial, count],
  );
  const row = rows[0];
  return row && { first: BigInt(row.first_serial), last: BigInt(row.last_serial) };
}

export async function insertLease(
  tx: Tx,
  lease: LeaseOwner & LeasePiece,
): Promise<{ lease_id: string }> {
  const rows = await tx.query<{ lease_id: string }>(
    `insert into waybill.number_lease
       (range_id, bucket, first_serial, last_serial, span, lease_time)
     values ($1, $2::int2, $3::int8, $4::int8, waybill.number_span($5, $6, '[]'), $7::timestamptz)
     returning lease_id`,
    [
      lease.rangeId,
      lease.bucket,
      lease.first,
      lease.last,
      spanKey(lease.low),
      spanKey(lease.high),
      lease.leaseTime,
    ],
  );
  return rows[0] as { lease_id: string };
}

/** Cuts a lease off behind its last used serial; the rest may then be leased as a free piece. */
export async function shrinkLease(
  tx: Tx,
  lease: { leaseId: string; last: bigint; low: string; high: string },
): Promise<void> {
  await tx.query(
    `update waybill.number_lease
     set last_serial = $2::int8, span = waybill.number_span($3, $4, '[]')
     where lease_id = $1::int8`,
    [lease.leaseId, lease.last, spanKey(lease.low), spanKey(lease.high)],
  );
}

/** Makes a lease of which nothing was used free for any bucket. */
export async function freeLease(tx: Tx, leaseId: string): Promise<void> {
  await tx.query(`update waybill.number_lease set bucket = null where lease_id = $1::int8`, [
    leaseId,
  ]);
}

/** The leases that the numbers lie in: the directory from number to bucket. */
export async function selectLeasesOf(db: Queryable, numbers: string[]): Promise<LeaseSpan[]> {
  const rows = await db.query<LeaseSpan>(
    `select distinct lower(lease.span) as low, upper(lease.span) as high, lease.bucket
     from unnest($1::text[]) as wanted(number)
     join waybill.number_lease lease on lease.span @> wanted.number collate "C"
     where lease.bucket is not null`,
    [numbers.map(spanKey)],
    { name: 'select_leases_of' },
  );
  return rows;
}

/**
 * A number as bounds of spans are written: its length in front, so that numbers of different
 * length never compare.
 */
export function spanKey(number: string): string {
  return String(number.length).padStart(2, '0') + number;
}

/** low and high as spanKey writes them. */
export type LeaseSpan = { low: string; high: string; bucket: number };
export type LeaseOwner = { rangeId: string; bucket: number | null; leaseTime: Date };
export type LeasePiece = { first: bigint; last: bigint; low: string; high: string };
