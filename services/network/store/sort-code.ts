import { int8Array, OF_EVERYBODY, type Queryable, textArray } from '#libs/db';
import type { CodeRow } from '../sort-table.ts';
import { cellNumber, cellText } from './area.ts';

// How a courier sorts is asked by merchants and services; what they are answered says no more than
// the code, so these read past the wall.

/**
 * The rows of the courier's newest active table for these places, and for each division asked in
 * `below` one row for every code that divisions within it have, two at most.
 */
export function selectTableCodes(
  db: Queryable,
  courierId: string,
  { places, below }: { places: readonly string[]; below: readonly string[] },
): Promise<TableCode[]> {
  return db.query<TableCode>(
    `with current as (
       select sort_table_id from network.sort_table
       where courier_id = $1::text and state = 'active'
       order by create_time desc, sort_table_id desc
       limit 1)
     select sort_table_id, null as within, place, hub_code, branch_code, route_code,
       bag_destination
     from current join network.sort_row using (sort_table_id)
     where place = any($2::text[])
     union all
     select sort_table_id, within, code.*
     from current, unnest($3::text[]) as wide (within), lateral (
       select distinct on (hub_code, branch_code, route_code, bag_destination)
         place, hub_code, branch_code, route_code, bag_destination
       from network.sort_row
       where sort_row.sort_table_id = current.sort_table_id
         and place > within and place < within || ':' and length(place) <= 9
       limit 2) as code`,
    [courierId, textArray(places), textArray(below)],
    { tenant: OF_EVERYBODY },
  );
}

/** The codes of the courier's active territories that hold one of these cells or divisions. */
export async function selectTerritoryCodes(
  db: Queryable,
  courierId: string,
  { cells, divisions, below }: TerritoryKeys,
): Promise<TerritoryCode[]> {
  const rows = await db.query<TerritoryCode & { cell: string | null }>(
    `with held as (
       select area_id, cell, '' as place, null as within, area_cell.route_code
       from network.area_cell
       where courier_id = $1::text and cell = any($2::int8[])
       union all
       select area_id, null, division_code, null, ''
       from network.area_division
       where courier_id = $1::text and division_code = any($3::text[])
       union all
       select area_id, null, division_code, within, ''
       from unnest($4::text[]) as wide (within), network.area_division
       where courier_id = $1::text
         and division_code > within and division_code < within || ':')
     select area_id, cell, place, within, hub_code, branch_code,
       case when area.route_code = '' then held.route_code else area.route_code end as route_code,
       bag_destination
     from held join network.area using (area_id)
     where kind = 'territory' and state = 'active'`,
    [...[courierId, int8Array(cells.map(cellNumber))], ...[textArray(divisions), textArray(below)]],
    { tenant: OF_EVERYBODY },
  );
  return rows.map((row) => (row.cell === null ? row : { ...row, place: cellText(row.cell) }));
}

/** `within` is set on what lies below a division that was asked about. */
export type TableCode = CodeRow & { sort_table_id: string; within: string | null };
export type TerritoryCode = CodeRow & { area_id: string; within: string | null };

type TerritoryKeys = {
  cells: readonly string[];
  divisions: readonly string[];
  below: readonly string[];
};
