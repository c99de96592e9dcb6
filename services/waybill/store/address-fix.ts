import { byteaArray, int4Array, type Queryable, type Tx, timestamptzArray } from '#libs/db';

// Where deliveries were. The table is common to all tenants and names none.

/**
 * Keeps the fixes of waybills in place of those that are there, unless those have a later time, and
 * of each key only the newest `countMax`. A waybill has the same time under all its keys.
 */
export async function replaceFixes(
  tx: Tx,
  fixes: readonly FixRow[],
  countMax: number,
): Promise<void> {
  const columns = [
    byteaArray(fixes.map((fix) => fix.key)),
    byteaArray(fixes.map((fix) => fix.fix_id)),
    int4Array(fixes.map((fix) => fix.latitude_e5)),
    int4Array(fixes.map((fix) => fix.longitude_e5)),
    timestamptzArray(fixes.map((fix) => fix.fix_time)),
  ];
  const [keys, fixIds, , , times] = columns;
  await lockKeys(tx, fixes);
  // Also under keys that the waybill has no more, since its address was corrected.
  await tx.query(
    `delete from waybill.address_fix
     using unnest($1::bytea[], $2::timestamptz[]) as given(fix_id, fix_time)
     where address_fix.fix_id = given.fix_id and address_fix.fix_time <= given.fix_time`,
    [fixIds, times],
    { name: 'delete_replaced_fixes' },
  );
  await tx.query(
    `insert into waybill.address_fix (key, fix_id, latitude_e5, longitude_e5, fix_time)
     select given.*
     from unnest($1::bytea[], $2::bytea[], $3::int4[], $4::int4[], $5::timestamptz[])
       as given(key, fix_id, latitude_e5, longitude_e5, fix_time)
     where not exists (
       select from waybill.address_fix as later where later.fix_id = given.fix_id
     )`,
    columns,
    { name: 'insert_fixes' },
  );
  await tx.query(
    `delete from waybill.address_fix
     using (select distinct unnest($1::bytea[]) as key) as touched
     cross join lateral (
       select fix_id from waybill.address_fix
       where key = touched.key
       order by fix_time desc, fix_id desc
       offset $2::int4
     ) as surplus
     where address_fix.key = touched.key and address_fix.fix_id = surplus.fix_id`,
    [keys, countMax],
    { name: 'delete_surplus_fixes' },
  );
}

/** Removes what waybills have taught. */
export async function deleteFixes(tx: Tx, fixIds: readonly Buffer[]): Promise<void> {
  await lockKeys(
    tx,
    fixIds.map((fix_id) => ({ fix_id })),
  );
  await tx.query('delete from waybill.address_fix where fix_id = any($1::bytea[])', [
    byteaArray(fixIds),
  ]);
}

/**
 * Lets nobody else change fixes of these keys, nor of those that the waybills have already, until
 * the transaction ends: two that count at once would keep too many, and two that delete in another
 * order would deadlock. Keys share 64 locks, for the server has room for some thousands only.
 */
async function lockKeys(tx: Tx, fixes: readonly { key?: Buffer; fix_id: Buffer }[]): Promise<void> {
  await tx.query(
    `select pg_advisory_xact_lock(hashtext('waybill.address_fix'), stripe)
     from (
       select distinct get_byte(key, 0) % 64 as stripe
       from (
         select unnest($1::bytea[]) as key
         union all
         select key from waybill.address_fix where fix_id = any($2::bytea[])
       ) as touched
       order by stripe
     ) as wanted`,
    [
      byteaArray(fixes.flatMap(({ key }) => key ?? [])),
      byteaArray(fixes.map(({ fix_id }) => fix_id)),
    ],
    { name: 'lock_fix_keys' },
  );
}

/** The fixes of keys, the newest first, where there are at least `countMin`. */
export function selectFixes(
  db: Queryable,
  keys: readonly Buffer[],
  countMin: number,
): Promise<KeyFixesRow[]> {
  return db.query<KeyFixesRow>(
    `select key,
       array_agg(latitude_e5 order by fix_time desc, fix_id desc) as latitudes_e5,
       array_agg(longitude_e5 order by fix_time desc, fix_id desc) as longitudes_e5
     from waybill.address_fix
     where key = any($1::bytea[])
     group by key
     having count(*) >= $2::int4`,
    [byteaArray(keys), countMin],
    { name: 'select_fixes' },
  );
}

export type FixRow = {
  key: Buffer;
  fix_id: Buffer;
  latitude_e5: number;
  longitude_e5: number;
  fix_time: Date;
};

export type KeyFixesRow = { key: Buffer; latitudes_e5: number[]; longitudes_e5: number[] };
