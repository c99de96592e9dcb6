import { type Queryable, type Tx, textArray } from '#libs/db';
import type { CourierAccountDraft, CourierAccountRow } from '../courier-account.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

// What an update replaces.
const CHANGEABLE = `branch_code, branch_name, customer_code, node_ids, state, low_balance_count`;

const GIVEN = `account_id, merchant_id, courier_id, billing, refund_on_cancel, ${CHANGEABLE}`;

const COLUMNS = `${GIVEN}, version, create_time, update_time`;

// $1 is who reads, $2 the reader's own id.
const VISIBLE = `($1::text = 'all'
  or $1::text = 'merchant' and merchant_id = $2::text
  or $1::text = 'courier' and courier_id = $2::text)`;

/**
 * Undefined if the id is taken; waits for another insert of the same id to end.
 * MERCHANT_NOT_FOUND, COURIER_NOT_FOUND.
 */
export async function insertCourierAccount(
  tx: Tx,
  account: CourierAccountDraft,
  createTime: Date,
): Promise<CourierAccountRow | undefined> {
  const query = tx.query<CourierAccountRow>(
    `insert into network.courier_account (${GIVEN}, create_time, update_time)
     select ${GIVEN}, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.courier_account, $1::jsonb)
     on conflict (account_id) do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(account), createTime],
  );
  const rows = await explained(query, account);
  return rows[0];
}

/** Undefined if the version of the row is another one. */
export async function replaceCourierAccount(
  tx: Tx,
  account: CourierAccountDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<CourierAccountRow | undefined> {
  const rows = await tx.query<CourierAccountRow>(
    `update network.courier_account
     set (${CHANGEABLE}) = (
         select ${CHANGEABLE}
         from jsonb_populate_record(null::network.courier_account, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where account_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify(account), account.account_id, version, updateTime],
  );
  return rows[0];
}

/** Undefined if there is none that the viewer may see. */
export async function selectCourierAccount(
  db: Queryable,
  accountId: string,
  viewer: Viewer,
): Promise<CourierAccountRow | undefined> {
  const rows = await db.query<CourierAccountRow>(
    `select ${COLUMNS}
     from network.courier_account
     where ${VISIBLE} and account_id = $3::text`,
    [viewer.kind, viewer.id, accountId],
    { name: 'network_select_courier_account', tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of account_id; only those of the merchant and of the courier, if one is given. */
export function selectCourierAccounts(
  db: Queryable,
  page: Page,
  { viewer, merchantId, courierId }: CourierAccountFilter,
): Promise<CourierAccountRow[]> {
  return db.query<CourierAccountRow>(
    `select ${COLUMNS}
     from network.courier_account
     where ${VISIBLE} and account_id > $3::text
       and ($5::text is null or merchant_id = $5::text)
       and ($6::text is null or courier_id = $6::text)
     order by account_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page), merchantId, courierId],
    { tenant: viewer.setting },
  );
}

/** Those of the nodes that the merchant may use. */
export async function selectUsableNodes(
  db: Queryable,
  merchantId: string,
  nodeIds: string[],
): Promise<Set<string>> {
  const rows = await db.query<{ node_id: string }>(
    `select node_id
     from network.node
     where node_id = any($2::text[]) and (merchant_id is null or merchant_id = $1::text)`,
    [merchantId, textArray(nodeIds)],
  );
  return new Set(rows.map((row) => row.node_id));
}

type CourierAccountFilter = {
  viewer: Viewer;
  merchantId: string | null;
  courierId: string | null;
};
