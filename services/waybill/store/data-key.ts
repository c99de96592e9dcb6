import { ofMerchant, type Queryable } from '#libs/db';

export type DataKeyRow = { data_key_id: string; master_key_id: string; wrapped: Buffer };

/** The key of a merchant's month; undefined if there is none yet. `month` as YYYY-MM-01. */
export async function selectDataKey(
  db: Queryable,
  merchantId: string,
  month: string,
): Promise<DataKeyRow | undefined> {
  const rows = await db.query<DataKeyRow>(
    `select data_key_id, master_key_id, wrapped
     from waybill.data_key
     where merchant_id = $1 and month = $2::date`,
    [merchantId, month],
    { tenant: ofMerchant(merchantId) },
  );
  return rows[0];
}

/** Undefined also for the key of another merchant. */
export async function selectDataKeyById(
  db: Queryable,
  merchantId: string,
  dataKeyId: string,
): Promise<DataKeyRow | undefined> {
  const rows = await db.query<DataKeyRow>(
    `select data_key_id, master_key_id, wrapped
     from waybill.data_key
     where data_key_id = $1::int8 and merchant_id = $2`,
    [dataKeyId, merchantId],
    { tenant: ofMerchant(merchantId) },
  );
  return rows[0];
}

/** Stores a new key unless another process was first. */
export async function insertDataKey(db: Queryable, key: NewDataKey): Promise<void> {
  await db.query(
    `insert into waybill.data_key (merchant_id, month, master_key_id, wrapped, create_time)
     values ($1, $2::date, $3, $4::bytea, $5::timestamptz)
     on conflict (merchant_id, month) do nothing`,
    [key.merchantId, key.month, key.masterKeyId, key.wrapped, key.createTime],
    { tenant: ofMerchant(key.merchantId) },
  );
}

export type NewDataKey = {
  merchantId: string;
  month: string;
  masterKeyId: string;
  wrapped: Uint8Array;
  createTime: Date;
};
