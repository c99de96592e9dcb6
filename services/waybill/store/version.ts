import {
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  ofOwners,
  type Queryable,
  type Tx,
  textArray,
  timestamptzArray,
} from '#libs/db';
import type { State } from '../state.ts';
import { COLUMNS, type WaybillRow } from './waybill.ts';

const CHANGEABLE = `${COLUMNS}, waybill.consignee_sealed, waybill.data_key_id,
  waybill.phone_index`;

/** Waybills by number with what a change needs of them; a number that is not there is left out. */
export function selectChangeable(db: Queryable, numbers: RowName[]): Promise<ChangeableRow[]> {
  return db.query<ChangeableRow>(
    `select ${CHANGEABLE}
     from unnest($1::int2[], $2::text[]) as wanted(bucket, number)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.waybill_number = wanted.number collate "C"`,
    namesOf(numbers),
    { tenant: ofOwners(numbers) },
  );
}

/** All parcels of a shipment, in order; of a single parcel, itself. */
export function selectShipment(db: Queryable, row: WaybillRow): Promise<ChangeableRow[]> {
  // A return has its outward waybill's order_ref, but is a shipment of its own.
  if (row.parcel_count === 1) return selectChangeable(db, [nameOf(row)]);
  return db.query<ChangeableRow>(
    `select ${CHANGEABLE}
     from waybill.waybill
     where bucket = $1::int2 and merchant_id = $2 and order_key = lower($3 collate "C")
       and parcel_count > 1
     order by parcel_no`,
    [row.bucket, row.merchant_id, row.order_ref],
    { tenant: ofOwners([row]) },
  );
}

/**
 * Keeps others from changing rows until the transaction ends; 'share' lets others do the same.
 * Answers their versions. All callers lock in one order, or two that hold each other's rows would
 * deadlock.
 */
export async function lockRows(
  tx: Tx,
  numbers: RowName[],
  mode: 'update' | 'share' = 'update',
): Promise<LockedRow[]> {
  if (numbers.length === 0) return [];
  return tx.query<LockedRow>(
    `select waybill.waybill_number, waybill.version
     from unnest($1::int2[], $2::text[]) as wanted(bucket, number)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.waybill_number = wanted.number collate "C"
     order by waybill.bucket, waybill.waybill_number
     for ${mode} of waybill`,
    namesOf(numbers),
    { tenant: ofOwners(numbers) },
  );
}

/**
 * Gives locked rows new contents and the next version; what they held before is kept. Answers them
 * as they are now, in the order of the changes.
 */
export async function replaceRows(
  tx: Tx,
  changes: ChangeableRow[],
  by: Replacer,
): Promise<WaybillRow[]> {
  const rows = await tx.query<WaybillRow>(
    REPLACE,
    [
      ...namesOf(changes.map(nameOf)),
      int4Array(changes.map((row) => row.version)),
      textArray(changes.map((row) => row.state)),
      textArray(changes.map((row) => row.service_code)),
      byteaArray(changes.map((row) => row.body)),
      byteaArray(changes.map((row) => row.consignee_masked)),
      byteaArray(changes.map((row) => row.consignee_sealed)),
      int8Array(changes.map((row) => BigInt(row.data_key_id))),
      int8Array(changes.map((row) => (row.phone_index === null ? null : BigInt(row.phone_index)))),
      timestamptzArray(changes.map((row) => row.cancel_time)),
      textArray(changes.map((row) => row.cancel_reason)),
      by.time,
      by.kind,
      by.id,
      by.keyId,
    ],
    { tenant: ofOwners(changes) },
  );
  const byNumber = new Map(rows.map((row) => [row.waybill_number, row]));
  return changes.map(({ waybill_number: number }) => {
    const row = byNumber.get(number);
    if (row === undefined) throw new Error(`${number} was changed without a lock`);
    return row;
  });
}

const REPLACE = `
  with change as materialized (
    select * from unnest(
      $1::int2[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::bytea[], $7::bytea[],
      $8::bytea[], $9::int8[], $10::int8[], $11::timestamptz[], $12::text[]
    ) as change(
      bucket, waybill_number, version, state, service_code, body, consignee_masked,
      consignee_sealed, data_key_id, phone_index, cancel_time, cancel_reason
    )
  ), kept as (
    insert into waybill.waybill_version (
      bucket, waybill_number, merchant_id, courier_id, version, state, service_code, body,
      consignee_masked, consignee_sealed, data_key_id, replace_time, replacer_kind, replacer_id,
      replacer_key_id
    )
    select
      old.bucket, old.waybill_number, old.merchant_id, old.courier_id, old.version, old.state,
      old.service_code, old.body, old.consignee_masked, old.consignee_sealed, old.data_key_id,
      $13::timestamptz, $14, $15, $16
    from change
    join waybill.waybill old on old.bucket = change.bucket
      and old.waybill_number = change.waybill_number collate "C"
      and old.version = change.version
  )
  update waybill.waybill
  set state = change.state, version = waybill.version + 1, service_code = change.service_code,
    body = change.body, consignee_masked = change.consignee_masked,
    consignee_sealed = change.consignee_sealed, data_key_id = change.data_key_id,
    phone_index = change.phone_index, cancel_time = change.cancel_time,
    cancel_reason = change.cancel_reason
  from change
  where waybill.bucket = change.bucket
    and waybill.waybill_number = change.waybill_number collate "C"
    and waybill.version = change.version
  returning ${COLUMNS}`;

/** What changes replaced, the first version first. */
export function selectVersions(db: Queryable, row: RowName): Promise<VersionRow[]> {
  return db.query<VersionRow>(
    `select version, state, service_code, body, consignee_masked, replace_time, replacer_kind,
       replacer_id, replacer_key_id
     from waybill.waybill_version
     where bucket = $1::int2 and waybill_number = $2
     order by version`,
    [row.bucket, row.number],
    { tenant: ofOwners([row]) },
  );
}

/** What was asked for when a waybill was issued, if it has been changed since. */
export async function selectFirstVersion(
  db: Queryable,
  row: RowName,
): Promise<FirstVersionRow | undefined> {
  const rows = await db.query<FirstVersionRow>(
    `select service_code, body, consignee_sealed, data_key_id
     from waybill.waybill_version
     where bucket = $1::int2 and waybill_number = $2 and version = 1`,
    [row.bucket, row.number],
    { tenant: ofOwners([row]) },
  );
  return rows[0];
}

export function nameOf(row: Omit<RowName, 'number'> & { waybill_number: string }): RowName {
  return { bucket: row.bucket, number: row.waybill_number, merchant_id: row.merchant_id };
}

function namesOf(numbers: RowName[]): Buffer[] {
  return [
    int2Array(numbers.map(({ bucket }) => bucket)),
    textArray(numbers.map(({ number }) => number)),
  ];
}

export type RowName = { bucket: number; number: string; merchant_id: string };

/** A waybill with all that a change may set; `version` is the one that it is based on. */
export type ChangeableRow = WaybillRow & {
  consignee_sealed: Buffer;
  data_key_id: string;
  phone_index: string | null;
};

export type LockedRow = { waybill_number: string; version: number };

/** Who makes a change, and when. */
export type Replacer = { time: Date; kind: string; id: string; keyId: string };

export type VersionRow = {
  version: number;
  state: State;
  service_code: string;
  body: Buffer;
  consignee_masked: Buffer;
  replace_time: Date;
  replacer_kind: string;
  replacer_id: string;
  replacer_key_id: string;
};

export type FirstVersionRow = {
  service_code: string;
  body: Buffer;
  consignee_sealed: Buffer;
  data_key_id: string;
};
