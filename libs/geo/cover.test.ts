import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import {
  cellToLatLng,
  getHexagonEdgeLengthAvg,
  getPentagons,
  getResolution,
  greatCircleDistance,
  polygonToCells,
  UNITS,
} from 'h3-js';
import { expect, test } from 'vitest';
import {
  borderKm,
  cellOf,
  compact,
  countOf,
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

test('a cover is what H3 itself takes for it, holes and several polygons too', async () => {
  const polygons = fc.tuple(star, star, fc.boolean()).map(([ring, other, isHoled]): Polygon[] => {
    const [away] = [
      other.map(({ latitudeDeg, longitudeDeg }) => at(longitudeDeg + 0.04, latitudeDeg)),
    ];
    const hole = ring.map((corner) => between(MIDDLE, corner));
    return isHoled ? [[ring, hole]] : [[ring], [away]];
  });
  await fc.assert(
    fc.asyncProperty(polygons, async (given) => {
      const expected = new Set(given.flatMap(byH3));
      const few = await coverOf(given);
      expect(spread(few).toSorted()).toEqual([...expected].toSorted());
      expect(few).toEqual(compact(expected));
      expect(countOf(few)).toBe(expected.size);
    }),
    { numRuns: 40 },
  );
});

test('a cover is right at the ends of H3’s grid, where cells have five sides', async () => {
  const [latitude, longitude] = cellToLatLng(PENTAGON);
  const ring = [0, 1, 2, 3, 0].map((i) => {
    const angle = (Math.PI / 4) * (2 * i + 1);
    return at(longitude + 0.2 * Math.cos(angle), latitude + 0.2 * Math.sin(angle));
  });
  const few = await coverOf([[ring]]);
  expect(spread(few).toSorted()).toEqual(byH3([ring]).toSorted());
  expect(countOf(few)).toBe(spread(few).length);
});

test('no cell of resolution 9 lies further from those around it than a cover reckons with', () => {
  const reach = 1.25;
  const near = fc.constantFrom(...getPentagons(9)).chain((cell) => {
    const [latitude, longitude] = cellToLatLng(cell);
    const off = fc.double({ min: -8, max: 8, noNaN: true });
    return fc.tuple(off, off).map(([y, x]) => at(longitude + x, latitude + y));
  });
  const anywhere = fc
    .tuple(
      fc.double({ min: -180, max: 180, noNaN: true }),
      fc.double({ min: -80, max: 80, noNaN: true }),
    )
    .map(([longitude, latitude]) => at(longitude, latitude));
  fc.assert(
    fc.property(fc.oneof(near, anywhere), (point) => {
      const cell = cellOf(point);
      for (let r = 0; r < 9; r++) {
        const wide = parentCell(cell, r);
        const away = greatCircleDistance(cellToLatLng(cell), cellToLatLng(wide), UNITS.km);
        expect(away).toBeLessThan(reach * getHexagonEdgeLengthAvg(r, UNITS.km));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a compacted set has nothing coarser than whoever looks for a cell in it looks', async () => {
  const wide = cellOf(at(120, 30), 4);
  const fine = spread([wide]);
  expect(compact(fine).map(getResolution)).toEqual(Array(7).fill(5));
  const ring = [at(119, 29), at(121, 29), at(121, 31), at(119, 31), at(119, 29)];
  const few = await coverOf([[ring]]);
  expect(Math.min(...few.map(getResolution))).toBe(5);
});

test('land on both sides of a common border shares no cell and leaves none out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 120.06, max: 120.14, noNaN: true }), async (border) => {
      const west = spread(await coverOf([[box(120.05, border)]]));
      const east = spread(await coverOf([[box(border, 120.15).toReversed()]]));
      const all = spread(await coverOf([[box(120.05, 120.15)]]));
      expect([...west, ...east].toSorted()).toEqual(all.toSorted());
    }),
    { numRuns: 30 },
  );
});

test('others have their turn while the longest border is looked at and covered', async () => {
  const corners = Array.from({ length: 9_999 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 9_999;
    const radius = 0.3 + 0.02 * Math.sin(i);
    return at(120 + radius * Math.cos(angle), 30 + radius * Math.sin(angle));
  });
  const polygon = [[...corners, corners[0] as LatLng]];
  const looking = crossingOf(polygon);
  expect(await turnsDuring(() => looking)).toBeGreaterThan(20);
  expect(await looking).toBeUndefined();
  expect(await turnsDuring(() => coverOf([polygon]))).toBeGreaterThan(20);
  // A promise alone lets nobody in.
  const small = [box(120, 120.1)];
  expect(await turnsDuring(async () => byH3(small))).toBeLessThan(3);
});

test('the estimate is near the cover', async () => {
  const polygon = [box(120, 120.2)];
  expect(estimateCells(polygon) / countOf(await coverOf([polygon]))).toBeCloseTo(1, 1);
  const holed = [box(120, 120.2), box(120.05, 120.15)];
  expect(estimateCells(holed) / countOf(await coverOf([holed]))).toBeCloseTo(1, 1);
  // 19.2 by 11.1 km, and half of it.
  expect(borderKm(polygon)).toBeCloseTo(60.7, 0);
  expect(borderKm(holed)).toBeCloseTo(60.7 + 41.5, 0);
});

test('a star crosses itself nowhere', async () => {
  await fc.assert(
    fc.asyncProperty(star, async (ring) => {
      expect(await crossingOf([ring])).toBeUndefined();
    }),
  );
});

test('a round border crosses itself where two corners change places', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 6, max: 60 }), fc.nat(), async (count, n) => {
      const corners = Array.from({ length: count }, (_, i) => {
        const angle = (2 * Math.PI * i) / count;
        return at(Math.cos(angle), Math.sin(angle));
      });
      const ring = [...corners, corners[0] as LatLng];
      expect(await crossingOf([ring])).toBeUndefined();
      const i = 1 + (n % (count - 3));
      const twisted = ring.with(i, ring[i + 1] as LatLng).with(i + 1, ring[i] as LatLng);
      expect(await crossingOf([twisted])).toBeDefined();
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
])('%s', async (_, polygon, crosses) => {
  expect((await crossingOf(polygon)) !== undefined).toBe(crosses);
});

test('a cell has six neighbours', () => {
  const cell = cellOf(at(120, 30));
  expect(neighboursOf(cell)).toHaveLength(6);
  expect(neighboursOf(cell)).not.toContain(cell);
});

/** How often others came to their turn until the work was done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = work().then(() => {
    isDone = true;
  });
  let turns = 0;
  for (; !isDone; turns++) await setImmediate();
  await done;
  return turns;
}

function byH3(polygon: Polygon): string[] {
  const rings = polygon.map((ring) =>
    ring.map(({ latitudeDeg, longitudeDeg }) => [latitudeDeg, longitudeDeg]),
  );
  return polygonToCells(rings, 9);
}

function between(a: LatLng, b: LatLng): LatLng {
  return at((a.longitudeDeg + b.longitudeDeg) / 2, (a.latitudeDeg + b.latitudeDeg) / 2);
}

const MIDDLE = at(120.1, 30.2);
/** In the Yellow Sea. */
const PENTAGON = cellOf(at(122.30000040778702, 39.10000003397593));

function at(longitudeDeg: number, latitudeDeg: number): LatLng {
  return { longitudeDeg, latitudeDeg };
}

function box(west: number, east: number): LatLng[] {
  return [at(west, 30.1), at(east, 30.1), at(east, 30.2), at(west, 30.2), at(west, 30.1)];
}

function square(from: number, to: number): LatLng[] {
  return [at(from, from), at(to, from), at(to, to), at(from, to), at(from, from)];
}
