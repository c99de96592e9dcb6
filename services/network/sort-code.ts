import { create } from '@bufbuild/protobuf';
import type { Queryable } from '#libs/db';
import {
  SortCodeResult_Gap as Gap,
  type SortCodeResult,
  SortCodeResultSchema,
} from '#proto/queqiao/network/v1/sort_table';
import { keysOf, type PlaceKeys } from './place.ts';
import type { CodeRow } from './sort-table.ts';
import { selectCellForms, selectTableCodes, selectTerritoryCodes } from './store.ts';

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
  const forms = await selectCellForms(db, courierId);
  const table = { ...indexed(tableRows), hasCells: forms.table_has_cells };
  const territories = { ...indexed(territoryRows), hasCells: forms.territories_have_cells };
  return places.map((place) => {
    if (place.cells.length + place.divisions.length === 0) {
      return toResult(place, { gap: Gap.PLACE_UNKNOWN, isRefinable: false });
    }
    const byTable = resolve(place, table);
    if (byTable.row !== undefined || byTable.gap !== Gap.NOT_COVERED) {
      return toResult(place, byTable);
    }
    // What its table does not speak of, a courier may have in its territories.
    const byTerritory = resolve(place, territories);
    const isRefinable = byTable.isRefinable || byTerritory.isRefinable;
    const gap =
      byTerritory.gap === Gap.NOT_COVERED && isRefinable ? Gap.TOO_COARSE : byTerritory.gap;
    return toResult(place, { ...byTerritory, gap, isRefinable });
  });
}

/** The one code of a place, or what all codes that it may have agree on, and why not more. */
export function resolve<R extends FoundCode>(place: PlaceKeys, codes: Codes<R>): Resolved<R> {
  const { at, within, hasCells } = codes;
  // Of a table's cells the finest counts; no cell lies in two territories but by mistake.
  const held = place.cells.map((cell) => at.get(cell) ?? []).filter((rows) => rows.length > 0);
  const [finest = []] = held;
  const isTable = finest[0]?.sort_table_id !== undefined;
  const byCell = isTable ? finest : held.flat();
  if (byCell.length > 0) return agreed(byCell, { gap: Gap.OVERLAP, isRefinable: false });
  const mayLieInCell = place.cells.length === 0 && hasCells;
  const around = place.divisions.map((code) => at.get(code) ?? []).find((rows) => rows.length > 0);
  const [narrower] = within.get(place.divisions[0] ?? '') ?? [];
  const isRefinable = mayLieInCell || narrower !== undefined;
  if (around === undefined) {
    // Codes of parts say nothing of the rest.
    return { gap: narrower === undefined ? Gap.NOT_COVERED : Gap.TOO_COARSE, isRefinable };
  }
  const whole = agreed(around, { gap: Gap.OVERLAP, isRefinable });
  if (narrower === undefined || whole.row === undefined) return whole;
  const parts = agreed([whole.row, narrower], { gap: Gap.TOO_COARSE, isRefinable });
  return parts.gap === Gap.UNSPECIFIED ? { ...whole, isRefinable: mayLieInCell } : parts;
}

/** The first of them if all have one code, else the segments that all have, with the gap. */
function agreed<R extends CodeRow>(rows: readonly R[], unless: Unless): Resolved<R> {
  const [first, ...others] = rows as [R, ...R[]];
  const { isRefinable } = unless;
  const common = others.reduce(commonOf, first);
  const isWhole = others.every((row) => isSame(row, common)) && isSame(first, common);
  if (isWhole) return { row: first, gap: Gap.UNSPECIFIED, isRefinable };
  return { ...(common.hub_code !== '' && { row: common }), ...unless };
}

/** Where one segment differs, those behind it mean different things. */
function commonOf<R extends CodeRow>(a: R, b: CodeRow): R {
  const hub_code = a.hub_code === b.hub_code ? a.hub_code : '';
  const branch_code = hub_code !== '' && a.branch_code === b.branch_code ? a.branch_code : '';
  const route_code = branch_code !== '' && a.route_code === b.route_code ? a.route_code : '';
  const bag_destination = a.bag_destination === b.bag_destination ? a.bag_destination : '';
  return { ...a, hub_code, branch_code, route_code, bag_destination };
}

function isSame(a: CodeRow, b: CodeRow): boolean {
  return textOf(a) === textOf(b) && a.bag_destination === b.bag_destination;
}

/** By the place of each row, those below a division that was asked about by that division. */
export function indexed<R extends { place: string; within: string | null }>(
  rows: readonly R[],
): Indexed<R> {
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

function toResult(
  place: PlaceKeys,
  { row, gap, isRefinable }: Resolved<FoundCode>,
): SortCodeResult {
  const [narrowest = ''] = place.divisions;
  if (row === undefined) {
    return create(SortCodeResultSchema, { gap, isRefinable, matchedPlace: narrowest });
  }
  return create(SortCodeResultSchema, {
    sortCode: {
      hubCode: row.hub_code,
      branchCode: row.branch_code,
      routeCode: row.route_code,
      text: textOf(row),
      bagDestination: row.bag_destination,
    },
    gap,
    isRefinable,
    matchedPlace: row.place,
    sortTableId: row.sort_table_id ?? '',
    areaId: row.area_id ?? '',
  });
}

type FoundCode = CodeRow & { within: string | null; sort_table_id?: string; area_id?: string };
type Indexed<R> = {
  at: ReadonlyMap<string, R[]>;
  /** What lies below a division, by that division. */
  within: ReadonlyMap<string, R[]>;
};
/** Of a division's parts there is one row, with what all of them have in common. */
type Codes<R> = Indexed<R> & { hasCells: boolean };
type Unless = { gap: Gap; isRefinable: boolean };
type Resolved<R> = Unless & { row?: R };
