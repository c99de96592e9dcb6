import { type Queryable, type Tx, textArray } from '#libs/db';
import { type Page, rowLimit } from '../page.ts';
import type { CodeRow, SortTableDraft, SortTableRow } from '../sort-table.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

const COLUMNS = `sort_table_id, courier_id, state, row_count, rows_hash, version, create_time,
  update_time`;

// $1 is who reads, $2 the reader's own id. No merchant reads sort tables.
const VISIBLE = `($1::text = 'all' or $1::text = 'courier' and courier_id = $2::text)`;

/** Undefined if the id is taken, by whomever. COURIER_NOT_FOUND. */
export async function insertSortTable(
  tx: Tx,
  table: SortTableDraft,
  createTime: Date,
): Promise<SortTableRow | undefined> {
  const query = tx.query<SortTableRow>(
    `insert into network.sort_table
       (sort_table_id, courier_id, state, row_count, rows_hash, create_time, update_time)
     values ($1::text, $2::text, $3::text, $4::int4, $5::bytea, $6::timestamptz, $6::timestamptz)
     on conflict do nothing
     returning ${COLUMNS}`,
    [
      ...[table.sort_table_id, table.courier_id, table.state, table.row_count],
      ...[table.rows_hash, createTime],
    ],
  );
  const [row] = await explained(query, table);
  return row;
}

export async function insertSortRows(
  tx: Tx,
  { sort_table_id, courier_id }: SortTableDraft,
  rows: readonly CodeRow[],
): Promise<void> {
  const column = (name: keyof CodeRow) => textArray(rows.map((row) => row[name]));
  await tx.query(
    `insert into network.sort_row
       (sort_table_id, courier_id, place, hub_code, branch_code, route_code, bag_destination)
     select $1::text, $2::text, given.*
     from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) as given`,
    [
      ...[sort_table_id, courier_id, column('place'), column('hub_code')],
      ...[column('branch_code'), column('route_code'), column('bag_destination')],
    ],
  );
}

/** Undefined if the version of the row is another one. */
export async function replaceSortTable(
  tx: Tx,
  { sort_table_id, state }: Pick<SortTableDraft, 'sort_table_id' | 'state'>,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<SortTableRow | undefined> {
  const [row] = await tx.query<SortTableRow>(
    `update network.sort_table
     set state = $2::text, version = version + 1, update_time = $4::timestamptz
     where sort_table_id = $1::text and version = $3::int8
     returning ${COLUMNS}`,
    [sort_table_id, state, version, updateTime],
  );
  return row;
}

/** Undefined if there is none that the viewer may see. */
export async function selectSortTable(
  db: Queryable,
  sortTableId: string,
  viewer: Viewer,
): Promise<SortTableRow | undefined> {
  const [row] = await db.query<SortTableRow>(
    `select ${COLUMNS} from network.sort_table where ${VISIBLE} and sort_table_id = $3::text`,
    [viewer.kind, viewer.id, sortTableId],
    { tenant: viewer.setting },
  );
  return row;
}

/** In order of sort_table_id; only those of the courier, if one is given. */
export function selectSortTables(
  db: Queryable,
  page: Page,
  { viewer, courierId }: { viewer: Viewer; courierId: string | null },
): Promise<SortTableRow[]> {
  return db.query<SortTableRow>(
    `select ${COLUMNS}
     from network.sort_table
     where ${VISIBLE} and sort_table_id > $3::text
       and ($5::text is null or courier_id = $5::text)
     order by sort_table_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page), courierId],
    { tenant: viewer.setting },
  );
}
