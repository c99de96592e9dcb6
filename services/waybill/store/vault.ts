import { int2Array, type Tx, textArray } from '#libs/db';
import { COLUMNS, type Tenant, type WaybillRow } from './waybill.ts';

/** Sealed consignees by number, of those that the tenant may see. */
export function selectSealed(
  tx: Tx,
  numbers: { bucket: number; number: string }[],
  tenant: Tenant,
): Promise<SealedWaybillRow[]> {
  return tx.query<SealedWaybillRow>(
    `select ${COLUMNS}, ${SEALED}
     from unnest($1::int2[], $2::text[]) as wanted(bucket, number)
     join waybill.waybill on waybill.bucket = wanted.bucket
       and waybill.waybill_number = wanted.number collate "C"
     join waybill.data_key using (data_key_id)
     where ($3::text is null or waybill.merchant_id = $3)
       and ($4::text is null or waybill.courier_id = $4)`,
    [
      int2Array(numbers.map((entry) => entry.bucket)),
      textArray(numbers.map((entry) => entry.number)),
      tenant.merchantId,
      tenant.courierId,
    ],
    { name: 'select_sealed' },
  );
}

/** A merchant's waybills whose phone has this hash, newest first, beginning after `after`. */
export function selectByPhone(
  tx: Tx,
  { merchantId, phoneIndex, after, limit }: PhonePage,
): Promise<SealedWaybillRow[]> {
  return tx.query<SealedWaybillRow>(
    `select ${COLUMNS}, ${SEALED}
     from waybill.waybill
     join waybill.data_key using (data_key_id)
     where waybill.phone_index = $1::int8
       and waybill.merchant_id = $2
       and (waybill.issue_time, waybill.waybill_number) < ($3::timestamptz, $4::text collate "C")
     order by waybill.issue_time desc, waybill.waybill_number desc
     limit $5::int4`,
    [phoneIndex, merchantId, after?.issueTime ?? 'infinity', after?.waybillNumber ?? '', limit],
    { name: 'select_by_phone' },
  );
}

/** Whether it was erased is read with the row: what a process remembers of keys does not count. */
const SEALED = `waybill.consignee_sealed, waybill.data_key_id,
  (waybill.consignee_sealed = ''::bytea or data_key.wrapped is null) as is_erased`;

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
