import { invalid, RpcError, tooMany } from '#libs/errors';
import { FINEST_RESOLUTION, spread } from '#libs/geo';
import type { Identity } from '#libs/grpc';
import type { Area } from '#proto/queqiao/network/v1/area';
import type { CellLoad } from '#proto/queqiao/network/v1/coverage';
import type { DivideTerritoryRequest } from '#proto/queqiao/network/v1/network_service';
import { type AreaRow, mustBeCell } from '../area.ts';
import { compactRoutes, routesIn, wholeArea } from '../area-land.ts';
import type { Deps } from '../deps.ts';
import { divide } from '../divide.ts';
import { announce, change } from '../events.ts';
import { inRange, slug } from '../field.ts';
import {
  type RoutedCell,
  replaceArea,
  replaceLand,
  selectArea,
  selectCells,
  selectDivisionCodes,
} from '../store.ts';
import { type Viewer, viewerOf } from '../viewer.ts';

const ROUTES_MAX = 99;
const LOADS_MAX = 20_000;
const CELLS_MAX = 5_000;
const PARCELS_MAX = 1_000_000_000n;

export async function divideTerritory(
  deps: Deps,
  request: DivideTerritoryRequest,
  identity: Identity,
): Promise<{ area: Area; balancePermille: number; movedCellCount: number }> {
  const viewer = viewerOf(identity);
  const id = slug('area_id', request.areaId);
  const routeCount = inRange('route_count', request.routeCount, 1, ROUTES_MAX);
  const loadOf = parseLoads(request.loads);
  const { row, routed } = await readTerritory(deps, id, viewer);
  const cells = spread(routed.map(({ cell }) => cell));
  if (cells.length > CELLS_MAX) throw tooMany('cells of the territory', cells.length, CELLS_MAX);
  inRange('route_count', routeCount, 1, cells.length);
  const before = new Map<string, string>();
  for (const [route, own] of routesIn(routed))
    for (const cell of spread(own)) before.set(cell, route);
  // Outside of any transaction: it takes up to a second.
  const { routeOf, balance } = await divide({ cells, loadOf, routeCount, before });
  const movedCellCount = cells.filter((cell) => routeOf.get(cell) !== before.get(cell)).length;
  const area = await keepRoutes(deps, { row, routeOf, hasMoved: movedCellCount > 0, viewer });
  return { area, balancePermille: Math.round(balance * 1_000), movedCellCount };
}

function parseLoads(loads: readonly CellLoad[]): Map<string, number> {
  if (loads.length > LOADS_MAX) throw tooMany('loads', loads.length, LOADS_MAX);
  const loadOf = new Map<string, number>();
  loads.forEach(({ cell, parcelCount }, i) => {
    const field = `loads[${i}]`;
    if (mustBeCell(`${field}.cell`, cell) !== FINEST_RESOLUTION) {
      throw invalid(`${field}.cell`, 'CELL', { min: FINEST_RESOLUTION, max: FINEST_RESOLUTION });
    }
    if (loadOf.has(cell)) throw invalid(`${field}.cell`, 'REPEATED');
    loadOf.set(cell, Number(inRange(`${field}.parcel_count`, parcelCount, 0n, PARCELS_MAX)));
  });
  return loadOf;
}

async function readTerritory(
  { pool }: Deps,
  id: string,
  viewer: Viewer,
): Promise<{ row: AreaRow; routed: RoutedCell[] }> {
  const row = await selectArea(pool, id, viewer);
  if (row === undefined) throw new RpcError('AREA_NOT_FOUND', { metadata: { id } });
  if (row.kind !== 'territory' || row.route_code !== '' || row.cell_count === 0) {
    throw new RpcError('AREA_NOT_DIVISIBLE', { metadata: { id } });
  }
  return { row, routed: await selectCells(pool, id, viewer) };
}

/** Writes the routes down unless nothing moved, or the area changed since it was read. */
async function keepRoutes(deps: Deps, { row, routeOf, hasMoved, viewer }: Routing): Promise<Area> {
  const { area_id: id, courier_id: courierId, version } = row;
  return await change(
    deps,
    async (tx) => {
      if (!hasMoved) return await wholeArea(tx, row, viewer);
      const updated = await replaceArea(tx, row, { version, updateTime: deps.now() });
      if (updated === undefined) throw new RpcError('CONFLICT');
      const divisionCodes = await selectDivisionCodes(tx, id, viewer);
      await replaceLand(tx, row, { cells: compactRoutes(routeOf), divisionCodes });
      await announce(tx, { kind: 'area', id, version: updated.version, courierId });
      return await wholeArea(tx, updated, viewer);
    },
    viewer.setting,
  );
}

type Routing = {
  row: AreaRow;
  routeOf: ReadonlyMap<string, string>;
  hasMoved: boolean;
  viewer: Viewer;
};
