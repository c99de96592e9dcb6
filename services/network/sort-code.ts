import { create } from '@bufbuild/protobuf';
import type { Queryable } from '#libs/db';
import {
  SortCodeResult_Gap as Gap,
  type SortCodeResult,
  SortCodeResultSchema,
} from '#proto/queqiao/network/v1/sort_table';
import { keysOf, type PlaceKeys } from './place.ts';
import type { CodeRow } from './sort-table.ts';
import { selectTableCodes, selectTerritoryCodes } from './store.ts';

/** One result for each place: the code of the courier's own table, else that of its territories. */
export async function sortCodesFor(
  db: Queryable,
  courierId: string,
  places: readonly PlaceKeys[],
): Promise<SortCodeResult[]> {
  const { cells, divisions, below } = keysOf(places);
  const asked = { places: [...cells, ...divisions], below };
  const tableRows = await selectTableCodes(db, courierId, asked);
  const territoryRows = await selectTerritoryCodes(db, courierId, { cells, divisions, below });
  const table = indexed(tableRows);
  const territories = indexed(territoryRows);
  return places.map((place) => {
    if (place.cells.length + place.divisions.length === 0) return gap(Gap.PLACE_UNKNOWN, place);
    const byTable = resolve(place, table);
    // What its table does not speak of, a courier may have in its territories.
    const found = byTable === Gap.NOT_COVERED ? resolve(place, territories) : byTable;
    return typeof found === 'number' ? gap(found, place) : toResult(found);
  });
}

/** The one code of a place, or why there is not one. */
export function resolve<R extends FoundCode>(
  { cells, divisions }: PlaceKeys,
  { at, within }: Codes<R>,
): R | Gap {
  // Of a table's cells the finest counts; no cell lies in two territories but by mistake.
  const held = cells.map((cell) => at.get(cell) ?? []).filter((rows) => rows.length > 0);
  const [finest = []] = held;
  const isTable = finest[0]?.sort_table_id !== undefined;
  const byCell = isTable ? finest : held.flat();
  if (byCell.length > 0) return only(byCell) ?? Gap.OVERLAP;
  const [own = ''] = divisions;
  const narrower = within.get(own) ?? [];
  const around = divisions.map((code) => at.get(code) ?? []).find((rows) => rows.length > 0);
  // A part of the division that has a code of its own leaves open which one is meant.
  if (narrower.length > 0 && only([...(around ?? []), ...narrower]) === undefined) {
    return Gap.TOO_COARSE;
  }
  if (around === undefined) return narrower.length > 0 ? Gap.TOO_COARSE : Gap.NOT_COVERED;
  return only(around) ?? Gap.OVERLAP;
}

/** The first of them if all have one code. */
function only<R extends CodeRow>(rows: readonly R[]): R | undefined {
  const texts = new Set(rows.map((row) => `${textOf(row)} ${row.bag_destination}`));
  return texts.size === 1 ? rows[0] : undefined;
}

/** By the place of each row, those below a division that was asked about by that division. */
export function indexed<R extends { place: string; within: string | null }>(
  rows: readonly R[],
): Codes<R> {
  const at = new Map<string, R[]>();
  const within = new Map<string, R[]>();
  for (const row of rows) {
    const [map, key] = row.within === null ? [at, row.place] : [within, row.within];
    const known = map.get(key);
    if (known === undefined) map.set(key, [row]);
    else known.push(row);
  }
  return { at, within };
}

/** What is printed. */
export function textOf({ hub_code, branch_code, route_code }: Omit<CodeRow, 'place'>): string {
  return [hub_code, branch_code, route_code].filter((segment) => segment !== '').join('-');
}

function toResult(row: FoundCode): SortCodeResult {
  return create(SortCodeResultSchema, {
    sortCode: {
      hubCode: row.hub_code,
      branchCode: row.branch_code,
      routeCode: row.route_code,
      text: textOf(row),
      bagDestination: row.bag_destination,
    },
    matchedPlace: row.place,
    sortTableId: row.sort_table_id ?? '',
    areaId: row.area_id ?? '',
  });
}

function gap(why: Gap, { divisions: [matchedPlace = ''] }: PlaceKeys): SortCodeResult {
  return create(SortCodeResultSchema, { gap: why, matchedPlace });
}

type FoundCode = CodeRow & { within: string | null; sort_table_id?: string; area_id?: string };
type Codes<R> = {
  at: ReadonlyMap<string, R[]>;
  /** What lies below a division, by that division. */
  within: ReadonlyMap<string, R[]>;
};
