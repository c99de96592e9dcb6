import { int2Array, ofMerchants, ofOwners, type Queryable, textArray } from '#libs/db';
import { ISSUED_PER_EVENT } from '../events.ts';
import type { IssueBlock } from '../issue-block.ts';
import type { ParcelKey } from '../parcel.ts';
import type { State } from '../state.ts';

/**
 * Inserts waybills, the events that announce them and the counts of their accounts, in one
 * statement and so one commit, on the understanding that all are new: one whose parcel key is taken
 * fails the whole (SQLSTATE 23505). Nothing has to be checked, answered or put together row by row
 * then, which is a third of the work of insertMixed.
 */
export async function insertNew(db: Queryable, block: IssueBlock): Promise<void> {
  await db.query(INSERT_NEW, block.newParameters(), {
    name: 'insert_new_waybills',
    tenant: ofMerchants(block.merchantIds),
  });
}

/**
 * The same, leaving out those whose parcel key is taken, of the table, of the events and of the
 * counts. Answers the numbers that were inserted. A number that exists already is an error: a
 * broken lease.
 */
export async function insertMixed(db: Queryable, block: IssueBlock): Promise<Set<string>> {
  if (block.rowCount === 0) return new Set();
  const inserted = await db.query<{ waybill_number: string }>(
    INSERT_MIXED,
    block.mixedParameters(),
    { name: 'insert_mixed_waybills', tenant: ofMerchants(block.merchantIds) },
  );
  return new Set(inserted.map((row) => row.waybill_number));
}

const COLUMNS = `bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id,
  service_code, node_id, issue_time, body, consignee_masked, consignee_sealed, data_key_id,
  account_id, parcel_count, outward_number, phone_index, state, sender_masked, sender_sealed`;

const ROW_ARRAYS = `$1::int2[], $2::text[], $3::text[], $4::int2[], $5::int2[], $6::text[],
  $7::int8[], $8::bytea[], $9::bytea[], $10::bytea[], $11::bytea[], $12::bytea[]`;

const ROW_COLUMNS = `draw, waybill_number, order_ref, parcel_no, parcel_count, outward_number,
  phone_index, body, consignee_masked, consignee_sealed, sender_masked, sender_sealed`;

const DRAWS = `unnest(
    $13::int2[], $14::int2[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[],
    $20::text[], $21::timestamptz[], $22::int8[], $23::text[], $24::int2[]
  ) as draw(
    draw, bucket, merchant_id, courier_id, service_code, node_id, account_id, state, issue_time,
    data_key_id, event_subject, drawn_count
  )`;

// One order for all writers, or two that hold each other's keys would deadlock.
const IN_KEY_ORDER = `order by bucket, merchant_id collate "C", lower(order_ref collate "C"),
  parcel_no`;

const EVENT_TYPE = 'queqiao.waybill.v1.WaybillsIssued';

const INSERT_NEW = `
  with inserted as (
    insert into waybill.waybill (${COLUMNS})
    select ${COLUMNS}
    from unnest(${ROW_ARRAYS}) as input(${ROW_COLUMNS})
    join ${DRAWS} using (draw)
    ${IN_KEY_ORDER}
  ), counted as (
    insert into waybill.account_delta (merchant_id, courier_id, account_id, drawn_count)
    select merchant_id, courier_id, account_id, sum(drawn_count)
    from ${DRAWS}
    group by merchant_id, courier_id, account_id
  )
  insert into waybill.outbox (event_id, subject, type, payload)
  select gen_random_uuid(), subject, '${EVENT_TYPE}', payload
  from unnest($25::text[], $26::bytea[]) as event(subject, payload)`;

// string_agg puts the parts of an event one behind the other, which is the protobuf encoding of
// the list. Parts keep to blocks of ISSUED_PER_EVENT rows, so that no event grows too large.
const INSERT_MIXED = `
  with input as materialized (
    select *
    from unnest(${ROW_ARRAYS}, $25::bytea[]) with ordinality
      as input(${ROW_COLUMNS}, event_part, position)
    join ${DRAWS} using (draw)
  ), inserted as (
    insert into waybill.waybill (${COLUMNS})
    select ${COLUMNS}
    from input
    ${IN_KEY_ORDER}
    on conflict (bucket, merchant_id, order_key, parcel_no) do nothing
    returning waybill_number, merchant_id, courier_id, account_id
  ), counted as (
    insert into waybill.account_delta (merchant_id, courier_id, account_id, drawn_count)
    select merchant_id, courier_id, account_id, count(*)
    from inserted
    group by merchant_id, courier_id, account_id
  ), event as (
    insert into waybill.outbox (event_id, subject, type, payload)
    select gen_random_uuid(), event_subject, '${EVENT_TYPE}',
      string_agg(event_part, ''::bytea order by position)
    from input
    join inserted using (waybill_number)
    group by event_subject, (position - 1) / ${ISSUED_PER_EVENT}
  )
  select waybill_number from inserted`;

/** The waybills that hold these parcel keys, each with the position of its key. */
export async function selectByKeys(
  db: Queryable,
  keys: ParcelKeyRow[],
): Promise<KnownWaybillRow[]> {
  if (keys.length === 0) return [];
  return db.query<KnownWaybillRow>(
    `select wanted.position::int4 - 1 as position, waybill.bucket, waybill.waybill_number,
       waybill.merchant_id, waybill.order_ref, waybill.parcel_no, waybill.courier_id,
       waybill.service_code, waybill.node_id, waybill.account_id, waybill.state,
       waybill.issue_time, waybill.body, waybill.consignee_sealed, waybill.data_key_id,
       waybill.version, waybill.parcel_count, waybill.outward_number
     from unnest($1::int2[], $2::text[], $3::text[], $4::int2[]) with ordinality
       as wanted(bucket, merchant_id, order_key, parcel_no, position)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.merchant_id = wanted.merchant_id
       and waybill.order_key = wanted.order_key collate "C"
       and waybill.parcel_no = wanted.parcel_no`,
    [
      int2Array(keys.map((key) => key.bucket)),
      textArray(keys.map((key) => key.merchant_id)),
      // Not lower() there: behind the wall it would keep the index from being used.
      textArray(keys.map((key) => key.order_ref.toLowerCase())),
      int2Array(keys.map((key) => key.parcel_no)),
    ],
    { name: 'select_by_keys', tenant: ofOwners(keys) },
  );
}

/** The key of a parcel as the table holds it. */
export function keyRow(
  { bucket, merchantId }: { bucket: number; merchantId: string },
  { orderRef, parcelNo }: ParcelKey,
): ParcelKeyRow {
  return { bucket, merchant_id: merchantId, order_ref: orderRef, parcel_no: parcelNo };
}

export type ParcelKeyRow = {
  bucket: number;
  merchant_id: string;
  order_ref: string;
  parcel_no: number;
};

export type KnownWaybillRow = ParcelKeyRow & {
  position: number;
  waybill_number: string;
  courier_id: string;
  service_code: string;
  node_id: string;
  account_id: string;
  state: State;
  issue_time: Date;
  body: Buffer;
  consignee_sealed: Buffer;
  data_key_id: string;
  version: number;
  parcel_count: number;
  outward_number: string | null;
};
