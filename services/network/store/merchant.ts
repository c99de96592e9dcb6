import type { Queryable, Tx } from '#libs/db';
import type { MerchantDraft, MerchantRow } from '../merchant.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';

const COLUMNS = `merchant_id, display_name, state, spread, home_bucket, version, create_time,
  update_time`;

// $1 is who reads, $2 the reader's own id.
const VISIBLE = `($1::text = 'all' or $1::text = 'merchant' and merchant_id = $2::text)`;

/** Undefined if the id is taken; waits for another insert of the same id to end. */
export async function insertMerchant(
  tx: Tx,
  merchant: MerchantDraft & { home_bucket: number },
  createTime: Date,
): Promise<MerchantRow | undefined> {
  const rows = await tx.query<MerchantRow>(
    `insert into network.merchant
       (merchant_id, display_name, state, spread, home_bucket, create_time, update_time)
     select merchant_id, display_name, state, spread, home_bucket, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.merchant, $1::jsonb)
     on conflict (merchant_id) do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(merchant), createTime],
  );
  return rows[0];
}

/** Undefined if the version of the row is another one. */
export async function replaceMerchant(
  tx: Tx,
  merchant: MerchantDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<MerchantRow | undefined> {
  const rows = await tx.query<MerchantRow>(
    `update network.merchant
     set (display_name, state) = (
         select display_name, state
         from jsonb_populate_record(null::network.merchant, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where merchant_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify(merchant), merchant.merchant_id, version, updateTime],
  );
  return rows[0];
}

/** Undefined if there is none that the viewer may see. */
export async function selectMerchant(
  db: Queryable,
  merchantId: string,
  viewer: Viewer,
): Promise<MerchantRow | undefined> {
  const rows = await db.query<MerchantRow>(
    `select ${COLUMNS}
     from network.merchant
     where ${VISIBLE} and merchant_id = $3::text`,
    [viewer.kind, viewer.id, merchantId],
    { name: 'network_select_merchant', tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of merchant_id. */
export function selectMerchants(db: Queryable, page: Page, viewer: Viewer): Promise<MerchantRow[]> {
  return db.query<MerchantRow>(
    `select ${COLUMNS}
     from network.merchant
     where ${VISIBLE} and merchant_id > $3::text
     order by merchant_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page)],
    { tenant: viewer.setting },
  );
}
