import { readFileSync } from 'node:fs';
import { distanceM, type LatLng } from '#libs/geo';
import { projectFile } from '#libs/run';
import { CITY, COUNTY, STREET } from './division-name.ts';
import { type Divisions, divisions } from './divisions.ts';
import type { Place } from './parsed-address.ts';

/**
 * The point of the finest division of a place that has one: its street, else its county, else its
 * city, else a province that is a city. A county without a point of its own has the middle of those
 * of its streets. The points are GeoNames' (CC BY 4.0), mostly the seat of an authority, good to a
 * few kilometres.
 */
export function gazetteerPoint(place: Place): GazetteerPoint | undefined {
  points ??= readPoints();
  const { streetCode, countyCode, cityCode, provinceCode } = place;
  for (const code of [streetCode, countyCode, cityCode, provinceCode]) {
    const point = points.get(code);
    if (point !== undefined) return { ...point, code };
  }
  return undefined;
}

/**
 * The county or city with the nearest point of its own or of a street, and how far away that is; of
 * Hong Kong, Macau and Taiwan the code of the province. Near a border the nearest point may be the
 * neighbour's: of these points, each looked for among the others, 87 % find their own city.
 */
export function nearestDivision(to: LatLng): { code: string; distanceM: number } {
  points ??= readPoints();
  seats ??= [...points]
    .map(([code, point]) => ({ ...point, code: code.slice(0, 6) }))
    .concat(
      BEYOND.map(([code, latitudeDeg, longitudeDeg]) => ({ code, latitudeDeg, longitudeDeg })),
    );
  let best = { code: '', distanceM: Infinity };
  for (const { code, ...point } of seats) {
    const away = distanceM(to, point);
    if (away < best.distanceM) best = { code, distanceM: away };
  }
  return best;
}

function readPoints(): Map<string, LatLng> {
  const found = new Map<string, LatLng>();
  const text = readFileSync(projectFile('libs', 'address', 'points.csv'), 'utf8');
  for (const line of text.trim().split('\n')) {
    const [code = '', latitude, longitude] = line.split(',');
    found.set(code, { latitudeDeg: Number(latitude), longitudeDeg: Number(longitude) });
  }
  const known = divisions();
  for (const level of [COUNTY, CITY] as const) fillFromBelow(known, found, level);
  return found;
}

function fillFromBelow(known: Divisions, found: Map<string, LatLng>, level: 1 | 2): void {
  for (const [node, code] of known.codes.entries()) {
    if (known.level(node) !== level || found.has(code)) continue;
    const below: LatLng[] = [];
    for (let each = node + 1; each <= known.last(node); each++) {
      const point = found.get(known.codeOf(each));
      if (point !== undefined && known.level(each) <= STREET) below.push(point);
    }
    if (below.length > 0) found.set(code, middleOf(below));
  }
}

/** The median of each coordinate: one point far off does not move it. */
export function middleOf(points: readonly LatLng[]): LatLng {
  return {
    latitudeDeg: median(points.map(({ latitudeDeg }) => latitudeDeg)),
    longitudeDeg: median(points.map(({ longitudeDeg }) => longitudeDeg)),
  };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[half - 1] as number)) / 2;
}

let points: Map<string, LatLng> | undefined;
let seats: GazetteerPoint[] | undefined;

/** Larger places of GeoNames where the divisions that have points end. */
const BEYOND: readonly (readonly [string, number, number])[] = [
  ['71', 25.05306, 121.52639],
  ['71', 24.757, 121.753],
  ['71', 24.80361, 120.96861],
  ['71', 24.1469, 120.6839],
  ['71', 23.96639, 120.96952],
  ['71', 23.97694, 121.60444],
  ['71', 23.47917, 120.44889],
  ['71', 22.99083, 120.21333],
  ['71', 22.61626, 120.31333],
  ['71', 22.00417, 120.74389],
  ['71', 22.75991, 121.14457],
  ['71', 23.5654, 119.58627],
  ['71', 24.43415, 118.31712],
  ['71', 24.43944, 118.42111],
  ['71', 26.15039, 119.93284],
  ['81', 22.28142, 114.17258],
  ['81', 22.31935, 114.16857],
  ['81', 22.37137, 114.11329],
  ['81', 22.38333, 114.26667],
  ['81', 22.44518, 114.02621],
  ['81', 22.45007, 114.16877],
  ['81', 22.50166, 114.06932],
  ['81', 22.51667, 114.11667],
  ['81', 22.39175, 113.97157],
  ['81', 22.25515, 113.86309],
  ['81', 22.28333, 114.03333],
  ['82', 22.20056, 113.54611],
  ['82', 22.15583, 113.55694],
  ['82', 22.11806, 113.55194],
];

/** With the code of the division that the point stands for. */
export type GazetteerPoint = LatLng & { code: string };
