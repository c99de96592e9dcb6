import { int2Array, type Queryable, type TenantSetting, textArray } from '#libs/db';
import type { State } from '../state.ts';

/**
 * What a WaybillRow holds, of a row called `waybill`. The parcels of a shipment and the returns of
 * a waybill have its order_ref, so they lie in its bucket.
 */
export const COLUMNS = `waybill.bucket, waybill.waybill_number, waybill.merchant_id,
  waybill.order_ref, waybill.parcel_no, waybill.courier_id, waybill.service_code, waybill.node_id,
  waybill.state, waybill.version, waybill.issue_time, waybill.cancel_time, waybill.cancel_reason,
  waybill.body, waybill.consignee_masked, waybill.parcel_count, waybill.outward_number,
  waybill.sender_masked, waybill.account_id, waybill.print_count, waybill.last_print_time,
  case when waybill.parcel_count > 1 and waybill.parcel_no > 1 then (
    select parent.waybill_number from waybill.waybill parent
    where parent.bucket = waybill.bucket
      and parent.merchant_id = waybill.merchant_id
      and parent.order_key = waybill.order_key
      and parent.parcel_no = 1
  ) end as parent_number,
  array(
    select back.waybill_number from waybill.waybill back
    where back.bucket = waybill.bucket and back.outward_number = waybill.waybill_number
    order by back.issue_time, back.waybill_number
  ) as return_numbers`;

/** Waybills by number; a number that is not there is left out. */
export function selectByNumbers(
  db: Queryable,
  numbers: { bucket: number; number: string }[],
  tenant: Tenant,
): Promise<WaybillRow[]> {
  return db.query<WaybillRow>(
    `select ${COLUMNS}
     from unnest($1::int2[], $2::text[]) as wanted(bucket, number)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.waybill_number = wanted.number collate "C"
     where ($3::text is null or waybill.merchant_id = $3)
       and ($4::text is null or waybill.courier_id = $4)`,
    [
      int2Array(numbers.map((entry) => entry.bucket)),
      textArray(numbers.map((entry) => entry.number)),
      tenant.merchantId,
      tenant.courierId,
    ],
    { name: 'select_by_numbers', tenant: tenant.setting },
  );
}

/** Waybills by the merchant's own keys; a key that is not there is left out. */
export function selectByParcelKeys(
  db: Queryable,
  { merchantId, setting }: { merchantId: string; setting: TenantSetting },
  keys: { bucket: number; orderRef: string; parcelNo: number }[],
): Promise<WaybillRow[]> {
  return db.query<WaybillRow>(
    `select ${COLUMNS}
     from unnest($2::int2[], $3::text[], $4::int2[]) as wanted(bucket, order_key, parcel_no)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.merchant_id = $1
       and waybill.order_key = wanted.order_key collate "C"
       and waybill.parcel_no = wanted.parcel_no`,
    [
      merchantId,
      int2Array(keys.map((key) => key.bucket)),
      // Not lower() there: behind the wall it would keep the index from being used.
      textArray(keys.map((key) => key.orderRef.toLowerCase())),
      int2Array(keys.map((key) => key.parcelNo)),
    ],
    { name: 'select_by_parcel_keys', tenant: setting },
  );
}

/** One page of a merchant's waybills, newest first, beginning after `after`. */
export function selectPage(db: Queryable, page: PageArguments): Promise<WaybillRow[]> {
  // One ordered scan for each bucket, so that the database never sorts a merchant's whole history.
  return db.query<WaybillRow>(
    `select ${COLUMNS}
     from unnest($1::int2[]) as home(bucket)
     cross join lateral (
       select * from waybill.waybill
       where waybill.bucket = home.bucket
         and waybill.merchant_id = $2
         and ($3::text is null or waybill.state = $3)
         and ($4::text is null or waybill.courier_id = $4)
         and ($5::text is null or waybill.node_id = $5)
         and waybill.issue_time >= $6::timestamptz
         and (waybill.issue_time, waybill.waybill_number)
           < ($7::timestamptz, $8::text collate "C")
       order by waybill.issue_time desc, waybill.waybill_number desc
       limit $9::int4
     ) as waybill
     order by waybill.issue_time desc, waybill.waybill_number desc
     limit $9::int4`,
    [
      int2Array(page.buckets),
      page.merchantId,
      page.state ?? null,
      page.courierId ?? null,
      page.nodeId ?? null,
      page.issueTimeFrom ?? '-infinity',
      page.after?.issueTime ?? page.issueTimeBefore ?? 'infinity',
      // The empty text stands before every number: with a time alone, nothing of it is shown.
      page.after?.waybillNumber ?? '',
      page.limit,
    ],
    { tenant: page.setting },
  );
}

export type WaybillRow = {
  bucket: number;
  waybill_number: string;
  merchant_id: string;
  order_ref: string;
  parcel_no: number;
  courier_id: string;
  service_code: string;
  node_id: string;
  state: State;
  version: number;
  issue_time: Date;
  cancel_time: Date | null;
  cancel_reason: string | null;
  body: Buffer;
  consignee_masked: Buffer;
  parcel_count: number;
  outward_number: string | null;
  sender_masked: Buffer | null;
  /** Of a child: the number of parcel 1. */
  parent_number: string | null;
  /** The first one first. */
  return_numbers: string[];
  account_id: string;
  print_count: number;
  last_print_time: Date | null;
};

/**
 * Whose rows a caller may see: for a statement's own condition, where null leaves the column free,
 * and for the row-level security behind it.
 */
export type Tenant = {
  merchantId: string | null;
  courierId: string | null;
  setting: TenantSetting;
};

export type PageArguments = {
  buckets: number[];
  merchantId: string;
  setting: TenantSetting;
  state?: State | undefined;
  courierId?: string | undefined;
  nodeId?: string | undefined;
  issueTimeFrom?: Date | undefined;
  issueTimeBefore?: Date | undefined;
  after?: { issueTime: Date; waybillNumber: string } | undefined;
  limit: number;
};
