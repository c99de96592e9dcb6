import type { Queryable, Tx } from '#libs/db';
import type { NumberRangeDraft, NumberRangeRow } from '../number-range.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

const GIVEN = `range_id, courier_id, merchant_id, prefix, serial_width, first_serial, last_serial,
  check_digit_scheme, suffix, low_water_count, state`;

const COLUMNS = `${GIVEN}, remaining_count, low_water_time, version, create_time, update_time`;

// $1 is who reads, $2 the reader's own id.
const VISIBLE = `($1::text = 'all'
  or $1::text = 'merchant' and (merchant_id is null or merchant_id = $2::text)
  or $1::text = 'courier' and courier_id = $2::text)`;

/**
 * Makes the writers of ranges wait for each other until the transaction ends; readers go on. Two
 * inserts of one id at once would else meet in the overlap check too: of 30,000 pairs on 16
 * connections, 15 were told of an overlap with themselves and 4 ended in a deadlock.
 */
export async function lockNumberRanges(tx: Tx): Promise<void> {
  await tx.query(`lock table network.number_range in share row exclusive mode`);
}

/**
 * Undefined if the id is taken. COURIER_NOT_FOUND, MERCHANT_NOT_FOUND, NUMBER_RANGE_OVERLAP.
 * Holds lockNumberRanges().
 */
export async function insertNumberRange(
  tx: Tx,
  range: NumberRangeDraft,
  createTime: Date,
): Promise<NumberRangeRow | undefined> {
  const query = tx.query<NumberRangeRow>(
    `insert into network.number_range
       (${GIVEN}, remaining_count, low_water_time, create_time, update_time)
     select ${GIVEN}, last_serial - first_serial + 1,
       case when low_water_count > 0 and last_serial - first_serial + 1 <= low_water_count
         then $2::timestamptz end,
       $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.number_range, $1::jsonb)
     on conflict (range_id) do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(range), createTime],
  );
  const rows = await explained(query, range);
  return rows[0];
}

/**
 * Undefined if the version of the row is another one. NUMBER_RANGE_OVERLAP if the range grew into
 * another one. Holds lockNumberRanges().
 */
export async function replaceNumberRange(
  tx: Tx,
  range: NumberRangeDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<NumberRangeRow | undefined> {
  const query = tx.query<NumberRangeRow>(
    `update network.number_range
     set last_serial = $4::int8,
       low_water_count = $5::int8,
       state = $6::text,
       -- What was added is not leased yet. A count taken before does not know of it and must not
       -- come in afterwards.
       remaining_count = remaining_count + $4::int8 - last_serial,
       count_time = case when last_serial = $4::int8 then count_time
         else greatest(count_time, $3::timestamptz) end,
       low_water_time = case
         when $5::int8 > 0 and remaining_count + $4::int8 - last_serial <= $5::int8
         then coalesce(low_water_time, $3::timestamptz) end,
       version = version + 1,
       update_time = $3::timestamptz
     where range_id = $1::text and version = $2::int8
     returning ${COLUMNS}`,
    [range.range_id, version, updateTime, range.last_serial, range.low_water_count, range.state],
  );
  const rows = await explained(query, range);
  return rows[0];
}

/** Undefined if there is none that the viewer may see. */
export async function selectNumberRange(
  db: Queryable,
  rangeId: string,
  viewer: Viewer,
): Promise<NumberRangeRow | undefined> {
  const rows = await db.query<NumberRangeRow>(
    `select ${COLUMNS}
     from network.number_range
     where ${VISIBLE} and range_id = $3::text`,
    [viewer.kind, viewer.id, rangeId],
    { name: 'network_select_number_range', tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of range_id; only those of the courier, if one is given. */
export function selectNumberRanges(
  db: Queryable,
  page: Page,
  { viewer, courierId }: { viewer: Viewer; courierId: string | null },
): Promise<NumberRangeRow[]> {
  return db.query<NumberRangeRow>(
    `select ${COLUMNS}
     from network.number_range
     where ${VISIBLE} and range_id > $3::text
       and ($5::text is null or courier_id = $5::text)
     order by range_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page), courierId],
    { tenant: viewer.setting },
  );
}

/**
 * Notes how many numbers are left. Undefined if there is no such range or a later count is known.
 * The version goes up only when the range fell to its low-water mark or rose above it.
 */
export async function updateRemaining(
  tx: Tx,
  count: { rangeId: string; remainingCount: bigint; countTime: Date; updateTime: Date },
): Promise<RemainingChange | undefined> {
  const rows = await tx.query<RemainingChange>(
    `with before as (
       select range_id, low_water_time is not null as was_low,
         low_water_count > 0 and $2::int8 <= low_water_count as is_low
       from network.number_range
       where range_id = $1::text and (count_time is null or count_time < $3::timestamptz)
       for update
     )
     update network.number_range number_range
     set remaining_count = $2::int8,
       count_time = $3::timestamptz,
       low_water_time = case when is_low then coalesce(low_water_time, $4::timestamptz) end,
       version = version + (was_low <> is_low)::int4,
       update_time = case when was_low <> is_low then $4::timestamptz else update_time end
     from before
     where number_range.range_id = before.range_id
     returning number_range.range_id, courier_id, version, was_low, is_low, remaining_count,
       low_water_count`,
    [count.rangeId, count.remainingCount, count.countTime, count.updateTime],
  );
  return rows[0];
}

export type RemainingChange = {
  range_id: string;
  courier_id: string;
  version: string;
  was_low: boolean;
  is_low: boolean;
  remaining_count: string;
  low_water_count: string;
};
