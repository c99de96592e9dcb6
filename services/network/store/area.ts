import { int8Array, type Queryable, type Tx, textArray } from '#libs/db';
import type { AreaDraft, AreaRow } from '../area.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

// What an update replaces.
const CHANGEABLE = `display_name, state, cell_count, hub_code, branch_code, route_code,
  bag_destination, reason, start_time, end_time`;

const GIVEN = `area_id, courier_id, kind, ${CHANGEABLE}`;

const COLUMNS = `${GIVEN}, version, create_time, update_time`;

// $1 is who reads, $2 the reader's own id. No merchant reads areas.
const VISIBLE = `($1::text = 'all' or $1::text = 'courier' and courier_id = $2::text)`;

/**
 * Undefined if the id is taken, by whomever; waits for another insert of the same id to end.
 * COURIER_NOT_FOUND.
 */
export async function insertArea(
  tx: Tx,
  area: AreaDraft,
  createTime: Date,
): Promise<AreaRow | undefined> {
  // Naming one of its two unique keys, two inserts at once could still meet in the other.
  const query = tx.query<AreaRow>(
    `insert into network.area (${GIVEN}, create_time, update_time)
     select ${GIVEN}, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.area, $1::jsonb)
     on conflict do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(area), createTime],
  );
  const [row] = await explained(query, area);
  return row;
}

/** Undefined if the version of the row is another one. */
export async function replaceArea(
  tx: Tx,
  area: AreaDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<AreaRow | undefined> {
  const [row] = await tx.query<AreaRow>(
    `update network.area
     set (${CHANGEABLE}) = (
         select ${CHANGEABLE} from jsonb_populate_record(null::network.area, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where area_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify(area), area.area_id, version, updateTime],
  );
  return row;
}

/** Undefined if there is none that the viewer may see. */
export async function selectArea(
  db: Queryable,
  areaId: string,
  viewer: Viewer,
): Promise<AreaRow | undefined> {
  const [row] = await db.query<AreaRow>(
    `select ${COLUMNS} from network.area where ${VISIBLE} and area_id = $3::text`,
    [viewer.kind, viewer.id, areaId],
    { tenant: viewer.setting },
  );
  return row;
}

/** In order of area_id; only those of the courier, if one is given. */
export function selectAreas(
  db: Queryable,
  page: Page,
  { viewer, courierId }: { viewer: Viewer; courierId: string | null },
): Promise<AreaRow[]> {
  return db.query<AreaRow>(
    `select ${COLUMNS}
     from network.area
     where ${VISIBLE} and area_id > $3::text
       and ($5::text is null or courier_id = $5::text)
     order by area_id
     limit $4::int4`,
    [viewer.kind, viewer.id, page.after, rowLimit(page), courierId],
    { tenant: viewer.setting },
  );
}

/** The courier's active service areas and territories in order of area_id, up to `limit`. */
export function selectSettling(
  db: Queryable,
  courierId: string,
  { viewer, limit }: { viewer: Viewer; limit: number },
): Promise<AreaRow[]> {
  return db.query<AreaRow>(
    `select ${COLUMNS}
     from network.area
     where ${VISIBLE} and courier_id = $3::text
       and kind in ('service', 'territory') and state = 'active'
     order by area_id
     limit $4::int4`,
    [viewer.kind, viewer.id, courierId, limit],
    { tenant: viewer.setting },
  );
}

/** Gives an area this land and no other. Cells of a route are part of the land. */
export async function replaceLand(
  tx: Tx,
  area: Pick<AreaDraft, 'area_id' | 'courier_id'>,
  { cells, divisionCodes }: { cells: readonly RoutedCell[]; divisionCodes: readonly string[] },
): Promise<void> {
  const { area_id, courier_id } = area;
  await replaceCells(tx, area, cells);
  await tx.query('delete from network.area_division where area_id = $1::text', [area_id]);
  await tx.query(
    `insert into network.area_division (area_id, courier_id, division_code)
     select $1::text, $2::text, division_code
     from unnest($3::text[]) as given (division_code)`,
    [area_id, courier_id, textArray(divisionCodes)],
  );
}

/** Gives an area these cells and no others; its divisions stay. */
export async function replaceCells(
  tx: Tx,
  { area_id, courier_id }: Pick<AreaDraft, 'area_id' | 'courier_id'>,
  cells: readonly RoutedCell[],
): Promise<void> {
  await tx.query('delete from network.area_cell where area_id = $1::text', [area_id]);
  await tx.query(
    `insert into network.area_cell (area_id, courier_id, cell, route_code)
     select $1::text, $2::text, cell, route_code
     from unnest($3::int8[], $4::text[]) as given (cell, route_code)`,
    [
      ...[area_id, courier_id, int8Array(cells.map(({ cell }) => cellNumber(cell)))],
      textArray(cells.map(({ routeCode }) => routeCode)),
    ],
  );
}

/** An area's cells with their routes, in order of cell. */
export async function selectCells(
  db: Queryable,
  areaId: string,
  viewer: Viewer,
): Promise<RoutedCell[]> {
  const rows = await db.query<{ cell: string; route_code: string }>(
    `select cell, route_code from network.area_cell
     where ${VISIBLE} and area_id = $3::text
     order by cell`,
    [viewer.kind, viewer.id, areaId],
    { tenant: viewer.setting },
  );
  return rows.map(({ cell, route_code }) => ({ cell: cellText(cell), routeCode: route_code }));
}

export async function selectDivisionCodes(
  db: Queryable,
  areaId: string,
  viewer: Viewer,
): Promise<string[]> {
  const rows = await db.query<{ division_code: string }>(
    `select division_code from network.area_division
     where ${VISIBLE} and area_id = $3::text
     order by division_code`,
    [viewer.kind, viewer.id, areaId],
    { tenant: viewer.setting },
  );
  return rows.map((row) => row.division_code);
}

/** A cell's index as the database holds it. */
export function cellNumber(cell: string): bigint {
  return BigInt(`0x${cell}`);
}

/** A cell as the database holds it, as 15 hex digits. */
export function cellText(number: string): string {
  return BigInt(number).toString(16);
}

export type RoutedCell = { cell: string; routeCode: string };
