import type { Pool, Tx } from '#libs/db';

/** Notes a day of a quota when it is first used; nothing happens if it is known. */
export async function insertQuotaDay(tx: Tx, { quotaId, day }: QuotaDay): Promise<void> {
  await tx.query(
    `insert into waybill.issue_quota (quota_id, day, taken_count)
     values ($1::text, $2::date, 0)
     on conflict (quota_id, day) do nothing`,
    [quotaId, day],
  );
}

/** Takes up to `count` waybills off a day, never over `max` in all. Answers how many it got. */
export async function takeQuota(
  tx: Tx,
  { quotaId, day }: QuotaDay,
  { count, max }: { count: number; max: bigint },
): Promise<number> {
  const rows = await tx.query<{ granted: string }>(
    `with piece as (
       select greatest(0, least($3::int8, $4::int8 - taken_count)) as granted
       from waybill.issue_quota
       where quota_id = $1::text and day = $2::date
       for update
     )
     update waybill.issue_quota quota
     set taken_count = quota.taken_count + piece.granted
     from piece
     where quota.quota_id = $1::text and quota.day = $2::date
     returning piece.granted`,
    [quotaId, day, count, max],
  );
  return Number(rows[0]?.granted ?? 0);
}

/** Hands back what was taken and not used. */
export async function giveBackQuota(
  pool: Pool,
  { quotaId, day }: QuotaDay,
  count: number,
): Promise<void> {
  await pool.query(
    `update waybill.issue_quota
     set taken_count = greatest(0, taken_count - $3::int8)
     where quota_id = $1::text and day = $2::date`,
    [quotaId, day, count],
  );
}

/** Forgets the days before. */
export async function deleteQuotaDays(tx: Tx, { quotaId, day }: QuotaDay): Promise<void> {
  await tx.query(
    'delete from waybill.issue_quota where quota_id = $1::text and day < $2::date - 7',
    [quotaId, day],
  );
}

/** Whose quota, on which day (UTC) as YYYY-MM-DD. */
export type QuotaDay = { quotaId: string; day: string };
