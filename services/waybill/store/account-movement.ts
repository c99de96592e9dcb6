import type { Queryable, Tx } from '#libs/db';
import type { AccountKey } from './account.ts';
import type { Tenant } from './waybill.ts';

const COLUMNS = `movement_id, merchant_id, courier_id, account_id, count, balance_count, reason,
  actor, request_id, create_time`;

export async function insertMovement(tx: Tx, movement: NewMovement): Promise<MovementRow> {
  const rows = await tx.query<MovementRow>(
    `insert into waybill.account_movement
       (merchant_id, courier_id, account_id, count, balance_count, reason, actor, request_id,
        create_time)
     values ($1, $2, $3, $4::int8, $5::int8, $6, $7, $8::uuid, $9::timestamptz)
     returning ${COLUMNS}`,
    [
      movement.merchant_id,
      movement.courier_id,
      movement.account_id,
      movement.count,
      movement.balance_count,
      movement.reason,
      movement.actor,
      movement.request_id,
      movement.create_time,
    ],
  );
  return rows[0] as MovementRow;
}

/** The movement that a request made; undefined if it made none. */
export async function selectMovement(
  db: Queryable,
  accountId: string,
  requestId: string,
): Promise<MovementRow | undefined> {
  const rows = await db.query<MovementRow>(
    `select ${COLUMNS}
     from waybill.account_movement
     where account_id = $1 and request_id = $2::uuid`,
    [accountId, requestId],
  );
  return rows[0];
}

/** Newest first, older than `before`. */
export function selectMovements(db: Queryable, page: MovementPage): Promise<MovementRow[]> {
  return db.query<MovementRow>(
    `select ${COLUMNS}
     from waybill.account_movement
     where account_id = $1
       and merchant_id = $2
       and ($3::text is null or courier_id = $3)
       and ($4::int8 is null or movement_id < $4::int8)
     order by movement_id desc
     limit $5::int4`,
    [page.accountId, page.tenant.merchantId, page.tenant.courierId, page.before, page.limit],
    { tenant: page.tenant.setting },
  );
}

type NewMovement = AccountKey & {
  /** Below zero for what is taken off. */
  count: bigint;
  /** After the movement. */
  balance_count: bigint;
  reason: string;
  actor: string;
  request_id: string;
  create_time: Date;
};

export type MovementRow = AccountKey & {
  movement_id: string;
  count: string;
  balance_count: string;
  reason: string;
  actor: string;
  request_id: string;
  create_time: Date;
};

type MovementPage = { accountId: string; tenant: Tenant; before: string | null; limit: number };
