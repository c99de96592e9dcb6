import { readFileSync } from 'node:fs';
import type { LatLng } from '#libs/geo';
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

/** With the code of the division that the point stands for. */
export type GazetteerPoint = LatLng & { code: string };
