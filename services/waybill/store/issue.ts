import {
  byteaArray,
  int2Array,
  int8Array,
  ofMerchants,
  type Pool,
  textArray,
  timestamptzArray,
} from '#libs/db';
import { ISSUED_PER_EVENT } from '../events.ts';
import type { State } from '../state.ts';

/**
 * Inserts waybills and the events that announce them, in one statement and so one commit. Answers
 * the numbers that were inserted; a row whose parcel key is taken is left out, of it and of the
 * events. A number that exists already is an error: it would be a broken lease.
 */
export async function insertWaybills(pool: Pool, rows: NewWaybillRow[]): Promise<Set<string>> {
  const inserted = await pool.query<{ waybill_number: string }>(INSERT, toArrays(rows), {
    name: 'insert_waybills',
    tenant: ofMerchants(new Set(rows.map((row) => row.merchant_id))),
  });
  return new Set(inserted.map((row) => row.waybill_number));
}

// string_agg puts the parts of an event one behind the other, which is the protobuf encoding of
// the list. Parts keep to blocks of ISSUED_PER_EVENT rows, so that no event grows too large.
const INSERT = `
  with input as materialized (
    select * from unnest(
      $1::int2[], $2::text[], $3::text[], $4::text[], $5::int2[], $6::text[], $7::text[],
      $8::text[], $9::timestamptz[], $10::bytea[], $11::bytea[], $12::bytea[], $13::int8[],
      $14::text[], $15::bytea[], $16::text[], $17::int2[], $18::text[], $19::int8[], $20::text[]
    ) with ordinality as input(
      bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id, service_code,
      node_id, issue_time, body, consignee_masked, consignee_sealed, data_key_id,
      event_subject, event_part, account_id, parcel_count, outward_number, phone_index, state,
      position
    )
  ), inserted as (
    insert into waybill.waybill (
      bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id, service_code,
      node_id, issue_time, body, consignee_masked, consignee_sealed, data_key_id,
      account_id, parcel_count, outward_number, phone_index, state
    )
    select
      bucket, waybill_number, merchant_id, order_ref, parcel_no, courier_id, service_code,
      node_id, issue_time, body, consignee_masked, consignee_sealed, data_key_id,
      account_id, parcel_count, outward_number, phone_index, state
    from input
    order by position
    on conflict (bucket, merchant_id, order_key, parcel_no) do nothing
    returning waybill_number
  ), event as (
    insert into waybill.outbox (event_id, subject, type, payload)
    select gen_random_uuid(), event_subject, 'queqiao.waybill.v1.WaybillsIssued',
      string_agg(event_part, ''::bytea order by position)
    from input
    join inserted using (waybill_number)
    group by event_subject, (position - 1) / ${ISSUED_PER_EVENT}
  )
  select waybill_number from inserted`;

function toArrays(rows: NewWaybillRow[]): Buffer[] {
  return [
    int2Array(rows.map((row) => row.bucket)),
    textArray(rows.map((row) => row.waybill_number)),
    textArray(rows.map((row) => row.merchant_id)),
    textArray(rows.map((row) => row.order_ref)),
    int2Array(rows.map((row) => row.parcel_no)),
    textArray(rows.map((row) => row.courier_id)),
    textArray(rows.map((row) => row.service_code)),
    textArray(rows.map((row) => row.node_id)),
    timestamptzArray(rows.map((row) => row.issue_time)),
    byteaArray(rows.map((row) => row.body)),
    byteaArray(rows.map((row) => row.consignee_masked)),
    byteaArray(rows.map((row) => row.consignee_sealed)),
    int8Array(rows.map((row) => row.data_key_id)),
    textArray(rows.map((row) => row.event_subject)),
    byteaArray(rows.map((row) => row.event_part)),
    textArray(rows.map((row) => row.account_id)),
    int2Array(rows.map((row) => row.parcel_count)),
    textArray(rows.map((row) => row.outward_number)),
    int8Array(rows.map((row) => row.phone_index)),
    textArray(rows.map((row) => row.state)),
  ];
}

/** The waybills that hold these parcel keys, each with the position of its key. */
export function selectByKeys(pool: Pool, keys: ParcelKeyRow[]): Promise<KnownWaybillRow[]> {
  return pool.query<KnownWaybillRow>(
    `select wanted.position::int4 - 1 as position, waybill.bucket, waybill.waybill_number,
       waybill.merchant_id, waybill.order_ref, waybill.parcel_no, waybill.courier_id,
       waybill.service_code, waybill.node_id, waybill.state, waybill.issue_time, waybill.body,
       waybill.consignee_sealed, waybill.data_key_id
     from unnest($1::int2[], $2::text[], $3::text[], $4::int2[]) with ordinality
       as wanted(bucket, merchant_id, order_ref, parcel_no, position)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.merchant_id = wanted.merchant_id
       and waybill.order_key = lower(wanted.order_ref collate "C")
       and waybill.parcel_no = wanted.parcel_no`,
    [
      int2Array(keys.map((key) => key.bucket)),
      textArray(keys.map((key) => key.merchant_id)),
      textArray(keys.map((key) => key.order_ref)),
      int2Array(keys.map((key) => key.parcel_no)),
    ],
    { name: 'select_by_keys', tenant: ofMerchants(new Set(keys.map((key) => key.merchant_id))) },
  );
}

export type ParcelKeyRow = {
  bucket: number;
  merchant_id: string;
  order_ref: string;
  parcel_no: number;
};

export type NewWaybillRow = ParcelKeyRow & {
  waybill_number: string;
  courier_id: string;
  service_code: string;
  node_id: string;
  issue_time: Date;
  body: Uint8Array;
  consignee_masked: Uint8Array;
  consignee_sealed: Uint8Array;
  data_key_id: bigint;
  event_subject: string;
  event_part: Uint8Array;
  account_id: string;
  parcel_count: number;
  outward_number: string | null;
  phone_index: bigint | null;
  state: State;
};

export type KnownWaybillRow = ParcelKeyRow & {
  position: number;
  waybill_number: string;
  courier_id: string;
  service_code: string;
  node_id: string;
  state: State;
  issue_time: Date;
  body: Buffer;
  consignee_sealed: Buffer;
  data_key_id: string;
};
