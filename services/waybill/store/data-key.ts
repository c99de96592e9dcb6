import { ofMerchant, type Queryable } from '#libs/db';
import type { WrappedKey } from '#libs/privacy';

export type WrappedKeyRow = { master_key_id: string; wrapped: Buffer };
export type DataKeyRow = WrappedKeyRow & { data_key_id: string };

/** The key of a merchant's month; undefined if there is none yet. `month` as YYYY-MM-01. */
export async function selectDataKey(
  db: Queryable,
  merchantId: string,
  month: string,
): Promise<DataKeyRow | undefined> {
  const rows = await db.query<DataKeyRow>(
    `select data_key_id, master_key_id, wrapped
     from waybill.data_key
     where merchant_id = $1 and month = $2::date and wrapped is not null`,
    [merchantId, month],
    { tenant: ofMerchant(merchantId) },
  );
  return rows[0];
}

/** Undefined once it is destroyed, and for the key of another merchant. */
export async function selectDataKeyById(
  db: Queryable,
  merchantId: string,
  dataKeyId: string,
): Promise<DataKeyRow | undefined> {
  const rows = await db.query<DataKeyRow>(
    `select data_key_id, master_key_id, wrapped
     from waybill.data_key
     where data_key_id = $1::int8 and merchant_id = $2 and wrapped is not null`,
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

/** The key of a look-up hash; undefined before its first use. */
export async function selectIndexKey(
  db: Queryable,
  name: IndexName,
): Promise<WrappedKeyRow | undefined> {
  const rows = await db.query<WrappedKeyRow>(
    'select master_key_id, wrapped from waybill.index_key where name = $1',
    [name],
  );
  return rows[0];
}

/** Stores the key of a look-up hash and answers the one that counts: the first ever stored. */
export async function insertIndexKey(
  db: Queryable,
  name: IndexName,
  key: WrappedKey & { createTime: Date },
): Promise<WrappedKeyRow> {
  await db.query(
    `insert into waybill.index_key (name, master_key_id, wrapped, create_time)
     values ($1, $2, $3::bytea, $4::timestamptz)
     on conflict (name) do nothing`,
    [name, key.masterKeyId, key.wrapped, key.createTime],
  );
  return (await selectIndexKey(db, name)) as WrappedKeyRow;
}

/** What is looked up by a keyed hash; the schema's check repeats the names. */
export type IndexName = 'phone' | 'address';

export type NewDataKey = WrappedKey & {
  merchantId: string;
  month: string;
  createTime: Date;
};
