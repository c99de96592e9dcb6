import fc from 'fast-check';
import { getResolution } from 'h3-js';
import { expect, test } from 'vitest';
import {
  cellOf,
  compact,
  coverOf,
  crossingOf,
  estimateCells,
  type LatLng,
  neighboursOf,
  type Polygon,
  parentCell,
  spread,
} from './index.ts';

/** A star around Hangzhou: simple whatever its radii are. */
const star = fc
  .array(fc.double({ min: 0.01, max: 0.05, noNaN: true }), { minLength: 3, maxLength: 40 })
  .map((radii): LatLng[] => {
    const corners = radii.map((radius, i) => {
      const angle = (2 * Math.PI * i) / radii.length;
      return at(120.1 + radius * Math.cos(angle), 30.2 + radius * Math.sin(angle));
    });
    return [...corners, corners[0] as LatLng];
  });

test('a cover compacts to the same cells, never one within another', () => {
  fc.assert(
    fc.property(star, (ring) => {
      const fine = coverOf([[ring]]);
      const few = compact(fine);
      expect(few.length).toBeLessThanOrEqual(fine.length);
      expect(spread(few).toSorted()).toEqual(fine.toSorted());
      const kept = new Set(few);
      for (const cell of few) {
        for (let r = getResolution(cell) - 1; r >= 5; r--) {
          expect(kept.has(parentCell(cell, r))).toBe(false);
        }
      }
    }),
    { numRuns: 30 },
  );
});

test('land on both sides of a common border shares no cell and leaves none out', () => {
  fc.assert(
    fc.property(fc.double({ min: 120.06, max: 120.14, noNaN: true }), (border) => {
      const west = coverOf([[box(120.05, border)]]);
      const east = coverOf([[box(border, 120.15)]]);
      const all = coverOf([[box(120.05, 120.15)]]);
      expect([...west, ...east].toSorted()).toEqual(all.toSorted());
    }),
    { numRuns: 30 },
  );
});

test('the estimate is near the cover', () => {
  const polygon = [box(120, 120.2)];
  expect(estimateCells(polygon) / coverOf([polygon]).length).toBeCloseTo(1, 1);
  const holed = [box(120, 120.2), box(120.05, 120.15)];
  expect(estimateCells(holed) / coverOf([holed]).length).toBeCloseTo(1, 1);
});

test('a star crosses itself nowhere', () => {
  fc.assert(
    fc.property(star, (ring) => {
      expect(crossingOf([ring])).toBeUndefined();
    }),
  );
});

test('a round border crosses itself where two corners change places', () => {
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 60 }), fc.nat(), (count, n) => {
      const corners = Array.from({ length: count }, (_, i) => {
        const angle = (2 * Math.PI * i) / count;
        return at(Math.cos(angle), Math.sin(angle));
      });
      const ring = [...corners, corners[0] as LatLng];
      expect(crossingOf([ring])).toBeUndefined();
      const i = 1 + (n % (count - 3));
      const twisted = ring.with(i, ring[i + 1] as LatLng).with(i + 1, ring[i] as LatLng);
      expect(crossingOf([twisted])).toBeDefined();
    }),
  );
});

test.each<[string, Polygon, boolean]>([
  ['a bow tie', [[at(0, 0), at(1, 1), at(1, 0), at(0, 1), at(0, 0)]], true],
  [
    'a ring that touches its own side',
    [[at(0, 0), at(4, 0), at(4, 4), at(2, 0), at(0, 4), at(0, 0)]],
    true,
  ],
  ['a hole across the border', [square(0, 4), square(3, 6)], true],
  ['a hole within', [square(0, 4), square(1, 2)], false],
  [
    'corners that stand twice',
    [[at(0, 0), at(0, 0), at(1, 0), at(1, 1), at(1, 1), at(0, 0)]],
    false,
  ],
])('%s', (_, polygon, crosses) => {
  expect(crossingOf(polygon) !== undefined).toBe(crosses);
});

test('ten thousand corners are looked through at once', () => {
  const corners = Array.from({ length: 10_000 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 10_000;
    const radius = 0.2 + 0.02 * Math.sin(i);
    return at(120 + radius * Math.cos(angle), 30 + radius * Math.sin(angle));
  });
  expect(crossingOf([[...corners, corners[0] as LatLng]])).toBeUndefined();
});

test('a cell has six neighbours', () => {
  const cell = cellOf(at(120, 30));
  expect(neighboursOf(cell)).toHaveLength(6);
  expect(neighboursOf(cell)).not.toContain(cell);
});

function at(longitudeDeg: number, latitudeDeg: number): LatLng {
  return { longitudeDeg, latitudeDeg };
}

function box(west: number, east: number): LatLng[] {
  return [at(west, 30.1), at(east, 30.1), at(east, 30.2), at(west, 30.2), at(west, 30.1)];
}

function square(from: number, to: number): LatLng[] {
  return [at(from, from), at(to, from), at(to, to), at(from, to), at(from, from)];
}
