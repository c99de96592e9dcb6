import { int8Array, OF_EVERYBODY, type Queryable, textArray } from '#libs/db';
import type { CodeRow } from '../sort-table.ts';
import { cellNumber, cellText } from './area.ts';

// How a courier sorts is asked by merchants and services; what they are answered says no more than
// the code, so these read past the wall.

/**
 * The rows of the courier's newest active table for these places, and for each division asked in
 * `below` one row with what all divisions within it have in common: what differs is empty.
 */
export function selectTableCodes(
  db: Queryable,
  courierId: string,
  { places, below }: { places: readonly string[]; below: readonly string[] },
): Promise<TableCode[]> {
  return db.query<TableCode>(
    `with current as (${CURRENT_TABLE})
     select sort_table_id, null as within, place, hub_code, branch_code, route_code,
       bag_destination
     from current join network.sort_row using (sort_table_id)
     where place = any($2::text[])
     union all
     select sort_table_id, within, within, ${COMMON_CODE}
     from current join network.sort_row using (sort_table_id)
     join unnest($3::text[]) as wide (within)
       on place > within and place < within || ':' and length(place) <= 9
     group by sort_table_id, within`,
    [courierId, textArray(places), textArray(below)],
    { tenant: OF_EVERYBODY },
  );
}

/**
 * The codes of the courier's active territories that hold one of these cells or divisions; of those
 * below a division one row, as selectTableCodes has it.
 */
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
       select area_id, null, within, within, ''
       from unnest($4::text[]) as wide (within), network.area_division
       where courier_id = $1::text
         and division_code > within and division_code < within || ':'
     ), code as (
       select area_id, cell, place, within, hub_code, branch_code,
         case when area.route_code = '' then held.route_code else area.route_code end
           as route_code,
         bag_destination
       from held join network.area using (area_id)
       where kind = 'territory' and state = 'active')
     select area_id, cell, place, within, hub_code, branch_code, route_code, bag_destination
     from code where within is null
     union all
     select ''::text, null, within, within, ${COMMON_CODE}
     from code where within is not null
     group by within`,
    [...[courierId, int8Array(cells.map(cellNumber))], ...[textArray(divisions), textArray(below)]],
    { tenant: OF_EVERYBODY },
  );
  return rows.map((row) => (row.cell === null ? row : { ...row, place: cellText(row.cell) }));
}

/** Whether the courier's newest active table, and its active territories, go by cells too. */
export async function selectCellForms(
  db: Queryable,
  courierId: string,
): Promise<{ table_has_cells: boolean; territories_have_cells: boolean }> {
  const [row] = await db.query<{ table_has_cells: boolean; territories_have_cells: boolean }>(
    // Cells of resolution 5 to 9 begin with these digits, and no division does.
    `select exists (
         select from (${CURRENT_TABLE}) as current join network.sort_row using (sort_table_id)
         where place >= '85' and place < '8a'
       ) as table_has_cells,
       exists (
         select from network.area
         where courier_id = $1::text and kind = 'territory' and state = 'active'
           and cell_count > 0
       ) as territories_have_cells`,
    [courierId],
    { tenant: OF_EVERYBODY },
  );
  return row ?? { table_has_cells: false, territories_have_cells: false };
}

const CURRENT_TABLE = `
  select sort_table_id from network.sort_table
  where courier_id = $1::text and state = 'active'
  order by create_time desc, sort_table_id desc
  limit 1`;

const COMMON_CODE = ['hub_code', 'branch_code', 'route_code', 'bag_destination']
  .map((column) => `case when min(${column}) = max(${column}) then min(${column}) else '' end`)
  .join(', ');

/** `within` is set on what lies below a division that was asked about. */
export type TableCode = CodeRow & { sort_table_id: string; within: string | null };
export type TerritoryCode = CodeRow & { area_id: string; within: string | null };

type TerritoryKeys = {
  cells: readonly string[];
  divisions: readonly string[];
  below: readonly string[];
};
