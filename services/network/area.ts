import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid, tooMany } from '#libs/errors';
import {
  borderKm,
  COARSEST_RESOLUTION as COARSEST,
  compact,
  countOf,
  coverOf,
  estimateCells,
  FINEST_RESOLUTION as FINEST,
  type Polygon,
  resolutionOf,
  spread,
} from '#libs/geo';
import { type Area, Area_Kind, AreaSchema } from '#proto/queqiao/network/v1/area';
import { isDivisionCode } from './division.ts';
import { match, present, slug, text, word } from './field.ts';
import { parseGeojson } from './geojson.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';
import type { Viewer } from './viewer.ts';

/** What a caller says of an area, valid and named as the columns are. */
export type AreaDraft = {
  area_id: string;
  courier_id: string;
  kind: Kind;
  display_name: string;
  state: State;
  /** In cells of resolution 9. */
  cell_count: number;
  hub_code: string;
  branch_code: string;
  route_code: string;
  bag_destination: string;
  reason: string;
  start_time: Date | null;
  end_time: Date | null;
};

/** The land of an area: cells compacted, both in order. */
export type Land = { cells: string[]; divisionCodes: string[] };

export type AreaRow = AreaDraft & Versioned;
export type RouteRow = { route_code: string; cells: string[] };

export const AREA_FIXED = ['courier_id', 'kind'] as const satisfies (keyof AreaDraft)[];

export async function parseNewArea(area: Area | undefined, viewer: Viewer): Promise<GivenArea> {
  const given = await parse(present('area', area), viewer, newState);
  mustHaveLand(given.land);
  return given;
}

export async function parseArea(area: Area | undefined, viewer: Viewer): Promise<GivenArea> {
  return parse(present('area', area), viewer, state);
}

export function mustHaveLand({ cells, divisionCodes }: Land): void {
  if (cells.length + divisionCodes.length === 0) throw invalid('area.cells', 'REQUIRED');
}

async function parse(given: Area, viewer: Viewer, stateOf: typeof state): Promise<GivenArea> {
  const kind = word('area.kind', given.kind, KINDS);
  const area_id = slug('area.area_id', given.areaId);
  const ownId = viewer.kind === 'courier' && given.courierId === '' ? viewer.id : given.courierId;
  const courier_id = slug('area.courier_id', ownId);
  const display_name = text('area.display_name', given.displayName, 0, 80);
  const draft = {
    ...{ area_id, courier_id, kind, display_name },
    state: stateOf('area.state', given.state),
    ...parseTerritory(given, kind),
    ...parseBlock(given, kind),
  };
  const { land, cell_count } = await parseLand(given);
  return { draft: { ...draft, cell_count }, land };
}

/** A territory's hub and branch may be left to us, the branch alone or both. */
function parseTerritory({ hubCode, branchCode, routeCode, bagDestination }: Area, kind: Kind) {
  const given = { hub_code: hubCode, branch_code: branchCode, route_code: routeCode };
  for (const [column, code] of Object.entries(given)) {
    const field = `area.${column}`;
    if (kind !== 'territory') mustBeEmpty(field, code);
    else if (code !== '') match(field, code, SEGMENT, 'SORT_SEGMENT');
  }
  if (hubCode === '' && branchCode !== '') throw invalid('area.hub_code', 'REQUIRED');
  if (kind !== 'territory') mustBeEmpty('area.bag_destination', bagDestination);
  return { ...given, bag_destination: text('area.bag_destination', bagDestination, 0, 20) };
}

function parseBlock({ reason, startTime, endTime }: Area, kind: Kind) {
  if (kind !== 'blocked') {
    mustBeEmpty('area.reason', reason);
    if (startTime !== undefined) throw invalid('area.start_time', 'NOT_ALLOWED');
    if (endTime !== undefined) throw invalid('area.end_time', 'NOT_ALLOWED');
    return { reason, start_time: null, end_time: null };
  }
  const start_time = parseTime('area.start_time', startTime);
  const end_time = parseTime('area.end_time', endTime);
  if (start_time !== null && end_time !== null && end_time <= start_time) {
    throw invalid('area.end_time', 'ORDER_OF_TIMES', { other: 'start_time' });
  }
  return { reason: text('area.reason', reason, 1, 80), start_time, end_time };
}

function parseTime(field: string, time: Timestamp | undefined): Date | null {
  if (time === undefined) return null;
  const date = timestampDate(time);
  // Not before 1970 and not after 9999: what the database and every client can say.
  if (!(date.getTime() >= 0 && date.getTime() < TIME_END_MS)) throw invalid(field, 'TIME');
  return date;
}

async function parseLand({ geojson, datum, cells, divisionCodes }: Area): Promise<GivenLand> {
  if (geojson !== '' && cells.length > 0)
    throw invalid('area.cells', 'NOT_BOTH', { other: 'geojson' });
  const codes = parseCodes(divisionCodes);
  const few = geojson === '' ? parseCells(cells) : await parseShape(geojson, datum);
  return { land: { cells: few, divisionCodes: codes }, cell_count: countOf(few) };
}

async function parseShape(geojson: string, datum: Area['datum']): Promise<string[]> {
  const field = 'area.geojson';
  const polygons = await parseGeojson(field, geojson, datum);
  // Covering takes seconds for what is far too large, or has far too long a border.
  const km = Math.round(sumOf(polygons, borderKm));
  if (km > BORDER_KM_MAX) throw tooMany(`${field} kilometres of border`, km, BORDER_KM_MAX);
  const estimate = Math.round(sumOf(polygons, estimateCells));
  if (estimate > CELLS_MAX * 1.2) throw tooMany(`${field} cells`, estimate, CELLS_MAX);
  const cells = await coverOf(polygons);
  const count = countOf(cells);
  if (count > CELLS_MAX) throw tooMany(`${field} cells`, count, CELLS_MAX);
  if (count === 0) throw invalid(field, 'NO_CELL');
  return cells;
}

function sumOf(polygons: readonly Polygon[], of: (polygon: Polygon) => number): number {
  return polygons.reduce((sum, polygon) => sum + of(polygon), 0);
}

function parseCells(cells: readonly string[]): string[] {
  const field = 'area.cells';
  let count = 0;
  cells.forEach((cell, i) => {
    count += 7 ** (FINEST - mustBeCell(`${field}[${i}]`, cell));
    if (count > CELLS_MAX) throw tooMany(field, count, CELLS_MAX);
  });
  return compact(spread(cells));
}

/** Its resolution; CELL unless it is a cell as areas hold them. */
export function mustBeCell(field: string, cell: string): number {
  const problem = invalid(field, 'CELL', { min: COARSEST, max: FINEST });
  let resolution: number;
  try {
    resolution = resolutionOf(cell);
  } catch {
    throw problem;
  }
  if (resolution < COARSEST || resolution > FINEST) throw problem;
  return resolution;
}

function parseCodes(codes: readonly string[]): string[] {
  const field = 'area.division_codes';
  if (codes.length > DIVISIONS_MAX) throw tooMany(field, codes.length, DIVISIONS_MAX);
  codes.forEach((code, i) => {
    if (!isDivisionCode(code)) throw invalid(`${field}[${i}]`, 'DIVISION_CODE');
  });
  return [...new Set(codes)].sort();
}

function mustBeEmpty(field: string, value: string): void {
  if (value !== '') throw invalid(field, 'NOT_ALLOWED');
}

/** Land and routes are left out of lists, where they could be megabytes each. */
export function areaToMessage(row: AreaRow, land?: Land, routes: RouteRow[] = []): Area {
  return create(AreaSchema, {
    areaId: row.area_id,
    courierId: row.courier_id,
    kind: KINDS[row.kind],
    displayName: row.display_name,
    state: STATES[row.state],
    ...land,
    cellCount: row.cell_count,
    hubCode: row.hub_code,
    branchCode: row.branch_code,
    routeCode: row.route_code,
    bagDestination: row.bag_destination,
    reason: row.reason,
    ...(row.start_time && { startTime: timestampFromDate(row.start_time) }),
    ...(row.end_time && { endTime: timestampFromDate(row.end_time) }),
    routes: routes.map(({ route_code, cells }) => ({ routeCode: route_code, cells })),
    ...history(row.area_id, row),
  });
}

/** Kinds as the database holds them. */
export const KINDS = {
  service: Area_Kind.SERVICE,
  blocked: Area_Kind.BLOCKED,
  territory: Area_Kind.TERRITORY,
} as const;
export const SEGMENT = /^[A-Z0-9]{1,8}$/;
export const CELLS_MAX = 50_000;
const DIVISIONS_MAX = 5_000;
/** Longer than all of China's coast. */
const BORDER_KM_MAX = 20_000;
const TIME_END_MS = Date.UTC(10_000, 0);

type Kind = keyof typeof KINDS;
type GivenArea = { draft: AreaDraft; land: Land };
type GivenLand = { land: Land; cell_count: number };
