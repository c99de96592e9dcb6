import {
  cellArea,
  cellToChildren,
  cellToChildrenSize,
  cellToLatLng,
  compactCells,
  getResolution,
  gridDisk,
  latLngToCell,
  UNITS,
  uncompactCells,
} from 'h3-js';
import { turns } from '#libs/run';
import { FINEST_RESOLUTION } from './cell.ts';
import { distanceM } from './distance.ts';
import type { LatLng } from './location.ts';

// Land as sets of cells. A set is compacted (cells of mixed resolutions, none within another) to be
// kept, and spread (all of resolution 9) to be compared.

/** The coarsest resolution of a compacted set: who looks for a cell in it looks no further. */
export const COARSEST_RESOLUTION = 5;

/** A border and the holes in it; each ring ends where it begins. */
export type Polygon = readonly (readonly LatLng[])[];

/** How many cells of resolution 9 a polygon covers, within some per cent, without covering it. */
export function estimateCells(polygon: Polygon): number {
  const [border] = polygon;
  const first = border?.[0];
  if (first === undefined) return 0;
  const areaKm2 = polygon.reduce(
    (sum, ring, i) => sum + (i === 0 ? ringAreaKm2(ring) : -ringAreaKm2(ring)),
    0,
  );
  const cell = latLngToCell(first.latitudeDeg, first.longitudeDeg, FINEST_RESOLUTION);
  return Math.max(0, areaKm2) / cellArea(cell, UNITS.km2);
}

/** How long the border is, holes included, in kilometres. */
export function borderKm(polygon: Polygon): number {
  let sumM = 0;
  for (const ring of polygon) {
    for (let i = 1; i < ring.length; i++) {
      sumM += distanceM(ring[i - 1] as LatLng, ring[i] as LatLng);
    }
  }
  return sumM / 1_000;
}

function ringAreaKm2(ring: readonly LatLng[]): number {
  let double = 0;
  for (let i = 1; i < ring.length; i++) {
    const [from, to] = [ring[i - 1] as LatLng, ring[i] as LatLng];
    const height = Math.sin(radians(from.latitudeDeg)) + Math.sin(radians(to.latitudeDeg));
    double += radians(to.longitudeDeg - from.longitudeDeg) * height;
  }
  return (Math.abs(double) / 2) * EARTH_RADIUS_KM ** 2;
}

/**
 * As few cells as possible for the same land, none coarser than resolution 5, in order. All given
 * are of one resolution.
 */
export function compact(cells: Iterable<string>): string[] {
  return compactCells([...cells])
    .flatMap((cell) =>
      getResolution(cell) < COARSEST_RESOLUTION ? cellToChildren(cell, COARSEST_RESOLUTION) : cell,
    )
    .sort();
}

/** How many cells of resolution 9 these are, of which none lies within another. */
export function countOf(cells: readonly string[]): number {
  return cells.reduce((sum, cell) => sum + cellToChildrenSize(cell, FINEST_RESOLUTION), 0);
}

/** The cells of resolution 9 that these, of resolution 9 or coarser, are made of; each once. */
export function spread(cells: readonly string[]): string[] {
  return [...new Set(uncompactCells([...cells], FINEST_RESOLUTION))];
}

/** Of the cells of a land, none within another, the centre of that nearest to the middle of all. */
export function middleOf(cells: readonly string[]): LatLng {
  const points = cells.map((cell) => {
    const [latitudeDeg, longitudeDeg] = cellToLatLng(cell);
    return { latitudeDeg, longitudeDeg, count: countOf([cell]) };
  });
  const total = points.reduce((sum, { count }) => sum + count, 0);
  const mean = (of: 'latitudeDeg' | 'longitudeDeg') =>
    points.reduce((sum, point) => sum + point[of] * point.count, 0) / total;
  const middle = { latitudeDeg: mean('latitudeDeg'), longitudeDeg: mean('longitudeDeg') };
  let best = { point: middle, away: Infinity };
  for (const { latitudeDeg, longitudeDeg } of points) {
    const point = { latitudeDeg, longitudeDeg };
    const away = distanceM(point, middle);
    if (away < best.away) best = { point, away };
  }
  return best.point;
}

/** The cells that have a side in common with this one. */
export function neighboursOf(cell: string): string[] {
  return gridDisk(cell, 1).filter((other) => other !== cell);
}

/**
 * Where two sides of a polygon's rings cross or touch that do not follow one another; undefined if
 * none do. What such a polygon covers would depend on who draws it. Others have their turn between.
 */
export async function crossingOf(polygon: Polygon): Promise<LatLng | undefined> {
  const sides = polygon.flatMap(sidesOf);
  const isWide = extentOf(sides, 'x') > extentOf(sides, 'y');
  const [low, high] = isWide ? (['minX', 'maxX'] as const) : (['minY', 'maxY'] as const);
  sides.sort((a, b) => a[low] - b[low]);
  const others = turns();
  for (let i = 0; i < sides.length; i++) {
    const side = sides[i] as Side;
    for (let j = i + 1; j < sides.length; j++) {
      const other = sides[j] as Side;
      if (other[low] > side[high]) break;
      if (j % PAIRS_A_LOOK === 0) await others();
      if (meet(side, other) && !follow(side, other)) {
        return { longitudeDeg: other.ax, latitudeDeg: other.ay };
      }
    }
  }
  return undefined;
}

function sidesOf(given: readonly LatLng[]): Side[] {
  const points = given.filter((point, i) => i === 0 || !isSame(point, given[i - 1] as LatLng));
  const count = points.length - 1;
  const ring = {};
  return Array.from({ length: count }, (_, index) => {
    const { longitudeDeg: ax, latitudeDeg: ay } = points[index] as LatLng;
    const { longitudeDeg: bx, latitudeDeg: by } = points[index + 1] as LatLng;
    return {
      ...{ ring, index, count, ax, ay, bx, by },
      ...{ minX: Math.min(ax, bx), maxX: Math.max(ax, bx) },
      ...{ minY: Math.min(ay, by), maxY: Math.max(ay, by) },
    };
  });
}

function meet(s: Side, t: Side): boolean {
  if (s.minX > t.maxX || t.minX > s.maxX || s.minY > t.maxY || t.minY > s.maxY) return false;
  return (
    turn(s, t.ax, t.ay) * turn(s, t.bx, t.by) <= 0 && turn(t, s.ax, s.ay) * turn(t, s.bx, s.by) <= 0
  );
}

/** Over 0 if the point lies left of the side, under 0 if right of it. */
function turn({ ax, ay, bx, by }: Side, x: number, y: number): number {
  return Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));
}

/** Neighbours in one ring have a corner in common, which is no crossing. */
function follow(s: Side, t: Side): boolean {
  if (s.ring !== t.ring) return false;
  const gap = Math.abs(s.index - t.index);
  return gap === 1 || gap === s.count - 1;
}

function extentOf(sides: readonly Side[], axis: 'x' | 'y'): number {
  let [min, max] = [Infinity, -Infinity];
  for (const side of sides) {
    min = Math.min(min, axis === 'x' ? side.minX : side.minY);
    max = Math.max(max, axis === 'x' ? side.maxX : side.maxY);
  }
  return max - min;
}

export function isSame(a: LatLng, b: LatLng): boolean {
  return a.latitudeDeg === b.latitudeDeg && a.longitudeDeg === b.longitudeDeg;
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

/** A look at the clock takes as long as several pairs. */
const PAIRS_A_LOOK = 64;
const EARTH_RADIUS_KM = 6_371.0088;

type Side = {
  /** Tells rings apart. */
  ring: object;
  index: number;
  count: number;
  ax: number;
  ay: number;
  bx: number;
  by: number;
  minX: number;
  maxX: number;
  minY: number;
  maxY: number;
};
