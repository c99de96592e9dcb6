import { OF_EVERYBODY, ofMerchant, ofOwners, type Queryable, type Tx, textArray } from '#libs/db';
import type { OPERATIONS, PURPOSES } from '../access.ts';

/** Writes entries of one call, one for each waybill. */
export async function insertAccesses(tx: Tx, rows: NewAccessRow[]): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  await tx.query(
    `insert into waybill.consignee_access (
       access_time, operation, caller_kind, caller_id, key_id, request_id, purpose, reason,
       merchant_id, waybill_number
     )
     select $1::timestamptz, $2, $3, $4, $5, $6, $7, $8, merchant_id, waybill_number
     from unnest($9::text[], $10::text[]) as of_waybill(merchant_id, waybill_number)`,
    [
      ...[first.access_time, first.operation, first.caller_kind, first.caller_id, first.key_id],
      ...[first.request_id, first.purpose, first.reason],
      textArray(rows.map((row) => row.merchant_id)),
      textArray(rows.map((row) => row.waybill_number)),
    ],
    { name: 'insert_accesses', tenant: ofOwners(rows) },
  );
}

/** Newest first, those before `beforeId`; null leaves a column free. */
export function selectAccesses(db: Queryable, page: AccessPage): Promise<AccessRow[]> {
  return db.query<AccessRow>(
    `select access_id, access_time, operation, caller_kind, caller_id, key_id, request_id,
       merchant_id, waybill_number, purpose, reason
     from waybill.consignee_access
     where ($1::text is null or merchant_id = $1)
       and ($2::text is null or waybill_number = $2)
       and ($3::int8 is null or access_id < $3)
     order by access_id desc
     limit $4::int4`,
    [page.merchantId, page.waybillNumber, page.beforeId, page.limit],
    { tenant: page.merchantId === null ? OF_EVERYBODY : ofMerchant(page.merchantId) },
  );
}

export type NewAccessRow = {
  access_time: Date;
  operation: keyof typeof OPERATIONS;
  caller_kind: string;
  caller_id: string;
  key_id: string;
  request_id: string;
  purpose: keyof typeof PURPOSES;
  reason: string;
  merchant_id: string;
  /** Empty where the operation is not for one waybill. */
  waybill_number: string;
};

export type AccessRow = NewAccessRow & { access_id: string };

export type AccessPage = {
  merchantId: string | null;
  waybillNumber: string | null;
  beforeId: string | null;
  limit: number;
};
