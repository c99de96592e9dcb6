import { OF_EVERYBODY, type Queryable } from '#libs/db';
import type { WrappedKeyRow } from './data-key.ts';

/** Where keys are stored wrapped. */
const KEY_TABLES = [
  { table: 'waybill.index_key', id: 'name', type: 'text' },
  { table: 'waybill.data_key', id: 'data_key_id', type: 'int8' },
] as const;

/** Keys that one of these master keys wrapped. */
export async function selectWrappedBy(
  db: Queryable,
  masterKeyIds: readonly string[],
  limit: number,
): Promise<StoredKeyRow[]> {
  const found: StoredKeyRow[] = [];
  for (const { table, id } of KEY_TABLES) {
    const rows = await db.query<Omit<StoredKeyRow, 'table'>>(
      `select ${id} as id, master_key_id, wrapped
       from ${table}
       where master_key_id = any($1::text[]) and wrapped is not null
       order by master_key_id, ${id}
       limit $2::int4`,
      [masterKeyIds, limit - found.length],
      { tenant: OF_EVERYBODY },
    );
    found.push(...rows.map((row) => ({ ...row, table })));
  }
  return found;
}

/** How many keys another master key wrapped, and the name of one such. */
export async function countWrappedByOthers(
  db: Queryable,
  masterKeyId: string,
): Promise<{ count: bigint; masterKeyId: string | undefined }> {
  const each = KEY_TABLES.map(
    ({ table }) =>
      `select master_key_id from ${table} where wrapped is not null and master_key_id <> $1`,
  );
  const rows = await db.query<{ count: string; one: string | null }>(
    `select count(*) as count, min(master_key_id) as one from (${each.join(' union all ')}) as key`,
    [masterKeyId],
    { tenant: OF_EVERYBODY },
  );
  return { count: BigInt(rows[0]?.count ?? 0), masterKeyId: rows[0]?.one ?? undefined };
}

/**
 * Replaces a wrapped key, unless another process has replaced it or it was destroyed since. Answers
 * whether it did.
 */
export async function updateWrapped(
  db: Queryable,
  before: StoredKeyRow,
  after: { masterKeyId: string; wrapped: Uint8Array },
): Promise<boolean> {
  for (const { table, id, type } of KEY_TABLES) {
    if (table !== before.table) continue;
    const rows = await db.query(
      `update ${table}
       set master_key_id = $3, wrapped = $4::bytea
       where ${id} = $1::${type} and wrapped = $2::bytea
       returning ${id}`,
      [before.id, before.wrapped, after.masterKeyId, after.wrapped],
      { tenant: OF_EVERYBODY },
    );
    return rows.length === 1;
  }
  return false;
}

export type StoredKeyRow = WrappedKeyRow & {
  table: (typeof KEY_TABLES)[number]['table'];
  id: string;
};
