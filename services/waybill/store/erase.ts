import {
  byteaArray,
  int2Array,
  int4Array,
  ofMerchant,
  type Queryable,
  type Tx,
  textArray,
} from '#libs/db';
import type { Position } from '../page.ts';

/**
 * Tables that hold sealed consignees, under the key (bucket, waybill_number, version), and what
 * erasing changes in them besides. A test compares the list with the schema.
 */
export const SEALED_TABLES = [
  {
    name: 'waybill.waybill',
    besides: `, phone_index = null, cancel_reason = null, sender_masked = null,
      sender_sealed = null`,
  },
  { name: 'waybill.waybill_version', besides: '' },
] as const;

/** Locks what these waybills still hold of their consignees, all of it or what one key sealed. */
export async function lockSealed(
  tx: Tx,
  numbers: { bucket: number; number: string }[],
  dataKeyId: string | null,
): Promise<PersonalRow[]> {
  const found: PersonalRow[] = [];
  for (const { name } of SEALED_TABLES) {
    const rows = await tx.query<Omit<PersonalRow, 'table'>>(
      `select sealed.bucket, sealed.waybill_number, sealed.version, sealed.body,
         sealed.consignee_masked
       from unnest($1::int2[], $2::text[]) as wanted(bucket, number)
       join ${name} as sealed on sealed.bucket = wanted.bucket
         and sealed.waybill_number = wanted.number collate "C"
       where sealed.consignee_sealed <> ''::bytea
         and ($3::int8 is null or sealed.data_key_id = $3)
       order by sealed.bucket, sealed.waybill_number, sealed.version
       for update of sealed`,
      [
        int2Array(numbers.map((entry) => entry.bucket)),
        textArray(numbers.map((entry) => entry.number)),
        dataKeyId,
      ],
    );
    found.push(...rows.map((row) => ({ ...row, table: name })));
  }
  return found;
}

/** Overwrites what was sealed, and sets what is left of the rest. */
export async function updateErased(tx: Tx, rows: PersonalRow[]): Promise<void> {
  for (const { name, besides } of SEALED_TABLES) {
    const own = rows.filter(({ table }) => table === name);
    if (own.length === 0) continue;
    await tx.query(
      `update ${name} as sealed
       set consignee_sealed = ''::bytea, consignee_masked = erased.consignee_masked,
         body = erased.body ${besides}
       from unnest($1::int2[], $2::text[], $3::int4[], $4::bytea[], $5::bytea[])
         as erased(bucket, waybill_number, version, consignee_masked, body)
       where sealed.bucket = erased.bucket
         and sealed.waybill_number = erased.waybill_number collate "C"
         and sealed.version = erased.version`,
      [
        int2Array(own.map((row) => row.bucket)),
        textArray(own.map((row) => row.waybill_number)),
        int4Array(own.map((row) => row.version)),
        byteaArray(own.map((row) => row.consignee_masked)),
        byteaArray(own.map((row) => row.body)),
      ],
    );
  }
}

/** A merchant's waybills in one bucket, newest first, beginning after `after`. */
export function selectNumbers(
  db: Queryable,
  place: { bucket: number; merchantId: string; after: Position; limit: number },
): Promise<NumberRow[]> {
  return db.query<NumberRow>(
    `select waybill_number, issue_time, courier_id
     from waybill.waybill
     where bucket = $1::int2 and merchant_id = $2
       and (issue_time, waybill_number) < ($3::timestamptz, $4::text collate "C")
     order by issue_time desc, waybill_number desc
     limit $5::int4`,
    [place.bucket, place.merchantId, place.after.issueTime, place.after.waybillNumber, place.limit],
    { tenant: ofMerchant(place.merchantId) },
  );
}

/** The key of a merchant's month, kept from others until the transaction ends. */
export async function lockDataKey(
  tx: Tx,
  merchantId: string,
  month: string,
): Promise<ErasedKeyRow | undefined> {
  const rows = await tx.query<ErasedKeyRow>(
    `select data_key_id, erase_time, clear_position, clear_time
     from waybill.data_key
     where merchant_id = $1 and month = $2::date
     for update`,
    [merchantId, `${month}-01`],
  );
  return rows[0];
}

/** Destroys a key. */
export async function updateDestroyed(tx: Tx, dataKeyId: string, time: Date): Promise<void> {
  await tx.query(
    `update waybill.data_key
     set wrapped = null, erase_time = $2::timestamptz
     where data_key_id = $1::int8 and wrapped is not null`,
    [dataKeyId, time],
  );
}

/** How far the waybills of a destroyed key are emptied; null when the last one is. */
export async function updateCleared(
  tx: Tx,
  dataKeyId: string,
  position: string | null,
  time: Date,
): Promise<void> {
  await tx.query(
    `update waybill.data_key
     set clear_position = $2::text, clear_time = case when $2::text is null then $3::timestamptz end
     where data_key_id = $1::int8 and clear_time is null`,
    [dataKeyId, position, time],
  );
}

/** What a row holds of a person, apart from what is sealed. */
export type PersonalRow = {
  table: (typeof SEALED_TABLES)[number]['name'];
  bucket: number;
  waybill_number: string;
  version: number;
  body: Uint8Array;
  consignee_masked: Uint8Array;
};

export type NumberRow = { waybill_number: string; issue_time: Date; courier_id: string };

export type ErasedKeyRow = {
  data_key_id: string;
  erase_time: Date | null;
  clear_position: string | null;
  clear_time: Date | null;
};
