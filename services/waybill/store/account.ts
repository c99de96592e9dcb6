import {
  boolArray,
  int4Array,
  int8Array,
  OF_EVERYBODY,
  ofOwners,
  type Queryable,
  type TenantSetting,
  type Tx,
  textArray,
} from '#libs/db';

const KEY = `merchant_id, courier_id, account_id`;
const KEYS = `unnest($1::text[], $2::text[], $3::text[]) as wanted(${KEY})`;

/**
 * Takes the lock on accounts' totals until the transaction ends, making the totals that are
 * missing. In the order of their keys, so that no two who do so wait for each other. What a
 * statement reads after it of these accounts nobody else can spend.
 */
export async function lockAccounts(tx: Tx, accounts: AccountTerms[]): Promise<void> {
  // A row that the condition leaves as it is, is locked all the same.
  await tx.query(
    `insert into waybill.account_total as total
       (${KEY}, is_prepaid, is_refunding, low_balance_count)
     select ${KEY}, is_prepaid, is_refunding, low_balance_count
     from unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[], $6::int8[])
       as given(${KEY}, is_prepaid, is_refunding, low_balance_count)
     order by merchant_id collate "C", courier_id collate "C", account_id collate "C"
     on conflict (${KEY}) do update
     set low_balance_count = excluded.low_balance_count
     where excluded.is_prepaid and total.low_balance_count <> excluded.low_balance_count`,
    [
      ...keyArrays(accounts),
      boolArray(accounts.map((account) => account.is_prepaid)),
      boolArray(accounts.map((account) => account.is_refunding)),
      int8Array(accounts.map((account) => account.low_balance_count)),
    ],
    { name: 'lock_accounts', tenant: ofOwners(accounts) },
  );
}

/** Locks the totals of accounts that have something to fold, but for those that others hold. */
export function lockFoldable(tx: Tx, limit: number): Promise<AccountKey[]> {
  return tx.query<AccountKey>(
    `select ${KEY}
     from waybill.account_total total
     where exists (
       select from waybill.account_delta delta
       where delta.merchant_id = total.merchant_id and delta.courier_id = total.courier_id
         and delta.account_id = total.account_id
     )
     order by ${KEY}
     limit $1::int4
     for update skip locked`,
    [limit],
    { name: 'lock_foldable_accounts', tenant: OF_EVERYBODY },
  );
}

/** Accounts that have something to fold and no total yet. */
export function selectWithoutTotal(db: Queryable, limit: number): Promise<AccountKey[]> {
  return db.query<AccountKey>(
    `select distinct ${KEY}
     from waybill.account_delta delta
     where not exists (
       select from waybill.account_total total
       where total.merchant_id = delta.merchant_id and total.courier_id = delta.courier_id
         and total.account_id = delta.account_id
     )
     limit $1::int4`,
    [limit],
    { name: 'select_accounts_without_total', tenant: OF_EVERYBODY },
  );
}

/** Moves the deltas of locked accounts into their totals. */
export async function foldDeltas(tx: Tx, keys: AccountKey[]): Promise<void> {
  await tx.query(
    `with gone as (
       delete from waybill.account_delta delta
       using ${KEYS}
       where delta.merchant_id = wanted.merchant_id and delta.courier_id = wanted.courier_id
         and delta.account_id = wanted.account_id
       returning delta.merchant_id, delta.courier_id, delta.account_id,
         delta.drawn_count, delta.cancelled_count, delta.printed_count
     ), summed as (
       select ${KEY}, sum(drawn_count)::int8 as drawn_count,
         sum(cancelled_count)::int8 as cancelled_count, sum(printed_count)::int8 as printed_count
       from gone
       group by ${KEY}
     )
     update waybill.account_total total
     set drawn_count = total.drawn_count + summed.drawn_count,
       cancelled_count = total.cancelled_count + summed.cancelled_count,
       printed_count = total.printed_count + summed.printed_count
     from summed
     where total.merchant_id = summed.merchant_id and total.courier_id = summed.courier_id
       and total.account_id = summed.account_id`,
    keyArrays(keys),
    { name: 'fold_account_deltas', tenant: ofOwners(keys) },
  );
}

/** Sets or unsets low_time of locked accounts; answers those whose balance crossed the mark. */
export function updateLow(tx: Tx, keys: AccountKey[], time: Date): Promise<CrossedAccount[]> {
  return tx.query<CrossedAccount>(
    `update waybill.account_total total
     set low_time = case when total.low_time is null then $4::timestamptz end
     from ${KEYS}
     where total.merchant_id = wanted.merchant_id and total.courier_id = wanted.courier_id
       and total.account_id = wanted.account_id and is_prepaid
       and (low_balance_count > 0 and balance_count <= low_balance_count)
         <> (low_time is not null)
     returning total.merchant_id, total.courier_id, total.account_id,
       total.balance_count, total.low_balance_count, total.low_time is not null as is_low`,
    [...keyArrays(keys), time],
    { name: 'update_account_low', tenant: ofOwners(keys) },
  );
}

export async function insertDeltas(tx: Tx, deltas: CancelledDelta[]): Promise<void> {
  await tx.query(
    `insert into waybill.account_delta (${KEY}, cancelled_count)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::int4[])`,
    [...keyArrays(deltas), int4Array(deltas.map((delta) => delta.cancelled_count))],
    { name: 'insert_account_deltas', tenant: ofOwners(deltas) },
  );
}

/**
 * Adds to the grants of a locked account whose deltas are folded; undefined, and nothing is done,
 * if that would overdraw it.
 */
export async function addGranted(
  tx: Tx,
  key: AccountKey,
  count: bigint,
): Promise<bigint | undefined> {
  const rows = await tx.query<{ balance_count: string }>(
    `update waybill.account_total
     set granted_count = granted_count + $4::int8
     where merchant_id = $1 and courier_id = $2 and account_id = $3
       and balance_count + $4::int8 >= 0
     returning balance_count`,
    [key.merchant_id, key.courier_id, key.account_id, count],
    { tenant: ofOwners([key]) },
  );
  return rows[0] && BigInt(rows[0].balance_count);
}

/**
 * What accounts have used, totals and deltas together in one snapshot, in order of their keys; all
 * zero for one that was never used.
 */
export async function selectUsages(db: Queryable, keys: AccountKey[]): Promise<AccountUsageRow[]> {
  if (keys.length === 0) return [];
  return db.query<AccountUsageRow>(
    `select wanted.merchant_id, wanted.courier_id, wanted.account_id,
       coalesce(total.is_prepaid, false) as is_prepaid,
       coalesce(total.is_refunding, false) as is_refunding,
       coalesce(total.granted_count, 0) as granted_count,
       case when total.is_prepaid
         then total.balance_count - delta.drawn_count
           + case when total.is_refunding then delta.cancelled_count else 0 end
         else 0 end as balance_count,
       coalesce(total.low_balance_count, 0) as low_balance_count,
       total.low_time,
       coalesce(total.drawn_count, 0) + delta.drawn_count as drawn_count,
       coalesce(total.cancelled_count, 0) + delta.cancelled_count as cancelled_count,
       coalesce(total.printed_count, 0) + delta.printed_count as printed_count
     from ${KEYS}
     left join waybill.account_total total using (${KEY})
     cross join lateral (
       select coalesce(sum(drawn_count), 0)::int8 as drawn_count,
         coalesce(sum(cancelled_count), 0)::int8 as cancelled_count,
         coalesce(sum(printed_count), 0)::int8 as printed_count
       from waybill.account_delta delta
       where delta.merchant_id = wanted.merchant_id collate "C"
         and delta.courier_id = wanted.courier_id collate "C"
         and delta.account_id = wanted.account_id collate "C"
     ) as delta
     order by wanted.merchant_id collate "C", wanted.courier_id collate "C",
       wanted.account_id collate "C"`,
    keyArrays(keys),
    { name: 'select_account_usages', tenant: ofOwners(keys) },
  );
}

/** Accounts that were used, in order of their keys, beginning after `after`. */
export function selectUsedAccounts(db: Queryable, page: UsedAccounts): Promise<AccountKey[]> {
  const wanted = `(${KEY}) > ($1::text collate "C", $2::text collate "C", $3::text collate "C")
       and ($4::text is null or merchant_id = $4)
       and ($5::text is null or courier_id = $5)`;
  return db.query<AccountKey>(
    `(select ${KEY}
      from waybill.account_total
      where ${wanted} and (not $6::bool or low_time is not null)
      order by ${KEY}
      limit $7::int4)
     union
     (select distinct ${KEY}
      from waybill.account_delta
      where ${wanted} and not $6::bool
      order by ${KEY}
      limit $7::int4)
     order by ${KEY}
     limit $7::int4`,
    [...page.after, page.merchantId, page.courierId, page.onlyLow, page.limit],
    { tenant: page.setting },
  );
}

function keyArrays(keys: AccountKey[]): Buffer[] {
  return [
    textArray(keys.map((key) => key.merchant_id)),
    textArray(keys.map((key) => key.courier_id)),
    textArray(keys.map((key) => key.account_id)),
  ];
}

/** account_id is empty for what is drawn without an account. */
export type AccountKey = { merchant_id: string; courier_id: string; account_id: string };

/** What the network says of an account. */
export type AccountTerms = AccountKey & {
  is_prepaid: boolean;
  is_refunding: boolean;
  low_balance_count: bigint;
};

export type CancelledDelta = AccountKey & { cancelled_count: number };

export type CrossedAccount = AccountKey & {
  balance_count: string;
  low_balance_count: string;
  is_low: boolean;
};

export type AccountUsageRow = AccountKey & {
  is_prepaid: boolean;
  is_refunding: boolean;
  granted_count: string;
  balance_count: string;
  low_balance_count: string;
  low_time: Date | null;
  drawn_count: string;
  cancelled_count: string;
  printed_count: string;
};

export type UsedAccounts = {
  after: [merchantId: string, courierId: string, accountId: string];
  merchantId: string | null;
  courierId: string | null;
  onlyLow: boolean;
  limit: number;
  setting: TenantSetting;
};
