import type { Queryable } from '#libs/db';
import { compact, spread } from '#libs/geo';
import type { Area } from '#proto/queqiao/network/v1/area';
import { type AreaRow, areaToMessage, type Land } from './area.ts';
import { type RoutedCell, selectCells, selectDivisionCodes } from './store.ts';
import type { Viewer } from './viewer.ts';

/** An area as it is answered alone: with its land and its routes. */
export async function wholeArea(db: Queryable, row: AreaRow, viewer: Viewer): Promise<Area> {
  const { area_id: id } = row;
  const routed = await selectCells(db, id, viewer);
  const divisionCodes = await selectDivisionCodes(db, id, viewer);
  const routes = [...routesIn(routed)].map(([route_code, cells]) => ({ route_code, cells }));
  return areaToMessage(row, { cells: cellsIn(routed), divisionCodes }, routes);
}

/** The land alone, without regard to routes: cells that two routes divide are one again. */
export function cellsIn(routed: readonly RoutedCell[]): string[] {
  const cells = routed.map(({ cell }) => cell);
  return routed.some(({ routeCode }) => routeCode !== '') ? compact(spread(cells)) : cells;
}

/** Land whose cells keep the routes that they had. */
export function withRoutes(land: Land, before: readonly RoutedCell[]): RoutedCell[] {
  const routes = routesIn(before);
  if (routes.size === 0) return land.cells.map((cell) => ({ cell, routeCode: '' }));
  const routeOf = new Map<string, string>();
  for (const [route, cells] of routes) {
    for (const cell of spread(cells)) routeOf.set(cell, route);
  }
  return compactRoutes(spread(land.cells).map((cell) => [cell, routeOf.get(cell) ?? '']));
}

/** Cells of resolution 9 with their routes, compacted route by route. */
export function compactRoutes(routeOf: Iterable<readonly [string, string]>): RoutedCell[] {
  const cellsOf = new Map<string, string[]>();
  for (const [cell, route] of routeOf) {
    const cells = cellsOf.get(route);
    if (cells === undefined) cellsOf.set(route, [cell]);
    else cells.push(cell);
  }
  return routedCells(cellsOf);
}

/** The same of cells by route. */
export function routedCells(cellsOf: ReadonlyMap<string, readonly string[]>): RoutedCell[] {
  return [...cellsOf].flatMap(([routeCode, cells]) =>
    compact(cells).map((cell) => ({ cell, routeCode })),
  );
}

/** The cells of each route, in order of route. */
export function routesIn(routed: readonly RoutedCell[]): Map<string, string[]> {
  const routes = new Map<string, string[]>();
  for (const { cell, routeCode } of routed) {
    if (routeCode === '') continue;
    const cells = routes.get(routeCode);
    if (cells === undefined) routes.set(routeCode, [cell]);
    else cells.push(cell);
  }
  return new Map([...routes].sort(([a], [b]) => (a < b ? -1 : 1)));
}
