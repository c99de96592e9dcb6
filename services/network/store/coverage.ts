import { int8Array, OF_EVERYBODY, type Queryable, textArray } from '#libs/db';
import type { Viewer } from '../viewer.ts';
import { cellNumber, cellText } from './area.ts';

// Reach is asked by merchants and services; what they are answered says no more than whether, so
// these statements read past the wall.

/** What the courier's active service and blocked areas say of these cells and divisions. */
export async function selectReach(
  db: Queryable,
  courierId: string,
  { cells, divisions, below }: ReachKeys,
): Promise<ReachRow[]> {
  const rows = await db.query<ReachRow & { cell: string | null }>(
    `with held as (
       select area_id, cell, '' as place, null as within
       from network.area_cell
       where courier_id = $1::text and cell = any($2::int8[])
       union all
       select area_id, null, division_code, null
       from network.area_division
       where courier_id = $1::text and division_code = any($3::text[])
       union all
       select distinct area_id, null::int8, '', within
       from unnest($4::text[]) as wide (within), network.area_division
       where courier_id = $1::text
         and division_code > within and division_code < within || ':')
     select cell, place, within, kind, reason, start_time, end_time
     from held join network.area using (area_id)
     where kind in ('service', 'blocked') and state = 'active'`,
    [...[courierId, int8Array(cells.map(cellNumber))], ...[textArray(divisions), textArray(below)]],
    { tenant: OF_EVERYBODY },
  );
  return rows.map((row) => (row.cell === null ? row : { ...row, place: cellText(row.cell) }));
}

/** In which forms the courier says where it delivers. */
export async function selectServiceForms(
  db: Queryable,
  courierId: string,
): Promise<{ has_cells: boolean; has_divisions: boolean }> {
  const [row] = await db.query<{ has_cells: boolean; has_divisions: boolean }>(
    `select coalesce(bool_or(cell_count > 0), false) as has_cells,
       coalesce(bool_or(exists (
         select from network.area_division where area_division.area_id = area.area_id
       )), false) as has_divisions
     from network.area
     where courier_id = $1::text and kind = 'service' and state = 'active'`,
    [courierId],
    { tenant: OF_EVERYBODY },
  );
  return row ?? { has_cells: false, has_divisions: false };
}

/** All land of the courier's active service areas and territories, up to `limit` rows. */
export async function selectCoverage(
  db: Queryable,
  courierId: string,
  { viewer, limit }: { viewer: Viewer; limit: number },
): Promise<CoverageRow[]> {
  const rows = await db.query<CoverageRow & { number: string | null }>(
    `select area_id, kind, cell as number, division_code
     from (
       select area_id, cell, null as division_code
       from network.area_cell where courier_id = $1::text
       union all
       select area_id, null, division_code
       from network.area_division where courier_id = $1::text) as land
     join network.area using (area_id)
     where kind in ('service', 'territory') and state = 'active'
     order by area_id, cell, division_code
     limit $2::int4`,
    [courierId, limit],
    { tenant: viewer.setting },
  );
  return rows.map(({ area_id, kind, number, division_code }) => ({
    ...{ area_id, kind, division_code },
    cell: number === null ? null : cellText(number),
  }));
}

export type ReachRow = {
  place: string;
  /** Set on what lies below a division that was asked about. */
  within: string | null;
  kind: 'service' | 'blocked';
  reason: string;
  start_time: Date | null;
  end_time: Date | null;
};
export type CoverageRow = {
  area_id: string;
  kind: 'service' | 'territory';
  cell: string | null;
  division_code: string | null;
};

type ReachKeys = {
  cells: readonly string[];
  divisions: readonly string[];
  below: readonly string[];
};
