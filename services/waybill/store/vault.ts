import { int2Array, int8Array, ofMerchant, ofOwners, type Tx, textArray } from '#libs/db';
import { COLUMNS, type Tenant, type WaybillRow } from './waybill.ts';

/** Sealed consignees by number, of those that the tenant may see. */
export async function selectSealed(
  tx: Tx,
  numbers: { bucket: number; number: string }[],
  tenant: Tenant,
): Promise<SealedWaybillRow[]> {
  const rows = await tx.query<Omit<SealedWaybillRow, 'is_erased'>>(
    `select ${COLUMNS}, waybill.consignee_sealed, waybill.data_key_id
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
    { name: 'select_sealed', tenant: tenant.setting },
  );
  const live = await selectLiveKeys(tx, rows);
  return rows.map((row) => ({
    ...row,
    is_erased: row.consignee_sealed.length === 0 || !live.has(row.data_key_id),
  }));
}

/**
 * Those of the rows' keys that are not destroyed. Read in the same transaction, since what a
 * process remembers of keys does not count; and apart from the rows, since a courier owns no key.
 */
async function selectLiveKeys(
  tx: Tx,
  rows: { merchant_id: string; data_key_id: string }[],
): Promise<Set<string>> {
  if (rows.length === 0) return new Set();
  const keys = await tx.query<{ data_key_id: string }>(
    `select data_key_id from waybill.data_key
     where data_key_id = any($1::int8[]) and wrapped is not null`,
    [int8Array(rows.map((row) => BigInt(row.data_key_id)))],
    { name: 'select_live_keys', tenant: ofOwners(rows) },
  );
  return new Set(keys.map((key) => key.data_key_id));
}

/** A merchant's waybills whose phone has this hash, newest first, beginning after `after`. */
export function selectByPhone(
  tx: Tx,
  { merchantId, phoneIndex, after, limit }: PhonePage,
): Promise<SealedWaybillRow[]> {
  return tx.query<SealedWaybillRow>(
    `select ${COLUMNS}, waybill.consignee_sealed, waybill.data_key_id,
       waybill.consignee_sealed = ''::bytea or data_key.wrapped is null as is_erased
     from waybill.waybill
     join waybill.data_key using (data_key_id)
     where waybill.phone_index = $1::int8
       and waybill.merchant_id = $2
       and (waybill.issue_time, waybill.waybill_number) < ($3::timestamptz, $4::text collate "C")
     order by waybill.issue_time desc, waybill.waybill_number desc
     limit $5::int4`,
    [phoneIndex, merchantId, after?.issueTime ?? 'infinity', after?.waybillNumber ?? '', limit],
    { name: 'select_by_phone', tenant: ofMerchant(merchantId) },
  );
}

export type SealedWaybillRow = WaybillRow & {
  consignee_sealed: Buffer;
  data_key_id: string;
  is_erased: boolean;
};

export type PhonePage = {
  merchantId: string;
  phoneIndex: bigint;
  after: { issueTime: Date; waybillNumber: string } | undefined;
  limit: number;
};
