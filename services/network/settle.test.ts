import fc from 'fast-check';
import { cellToLatLng, greatCircleDistance, UNITS } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { cellOf, neighboursOf, ring, spread } from '#libs/geo';
import { routedCells } from './area-land.ts';
import { coverageOf } from './coverage.ts';
import { nearestOf } from './settle/nearest.ts';
import { type Claims, settle } from './settle.ts';

const HANGZHOU = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
/** Cells with five sides, in the Yellow Sea. */
const PENTAGON = cellOf({ latitudeDeg: 39.10000003397593, longitudeDeg: 122.30000040778702 });

/** Disks that overlap, with holes and islands; some of the territories have routes. */
const claims = fc
  .record({
    centre: fc.constantFrom(HANGZHOU, PENTAGON),
    service: fc.array(disk(14, 6), { minLength: 1, maxLength: 5 }),
    holes: fc.array(disk(14, 2), { maxLength: 4 }),
    territories: fc.array(
      fc.record({
        disks: fc.array(disk(14, 5), { minLength: 1, maxLength: 2 }),
        routes: fc.integer({ min: 0, max: 3 }),
      }),
      {
        minLength: 1,
        maxLength: 7,
      },
    ),
  })
  .map(({ centre, service, holes, territories }): Claims => {
    const grid = ring(centre, 16);
    const landOf = (disks: readonly Disk[]) => [
      ...new Set(disks.flatMap(({ at, k }) => ring(grid[at % grid.length] as string, k))),
    ];
    const gone = new Set(landOf(holes));
    const byRoute = (cells: readonly string[], count: number) => {
      const routes = new Map<string, string[]>();
      for (const [i, cell] of cells.entries()) {
        // Some cells of a divided territory have no route: they came later.
        const route = count === 0 || i % 11 === 7 ? '' : `0${1 + (i % count)}`;
        routes.set(route, [...(routes.get(route) ?? []), cell]);
      }
      return routedCells(routes);
    };
    return {
      service: service.map((each) => spread(landOf([each]).filter((cell) => !gone.has(cell)))),
      territories: territories.map(({ disks, routes }, i) => ({
        areaId: `t${i}`,
        cells: byRoute(landOf(disks), routes),
      })),
    };
  });

function disk(reach: number, k: number): fc.Arbitrary<Disk> {
  return fc.record({ at: fc.nat(1 + 3 * reach * (reach + 1)), k: fc.nat(k) });
}

const fine = (cells: Claims['territories'][number]['cells']): Routes =>
  new Map(cells.flatMap(({ cell, routeCode }) => spread([cell]).map((each) => [each, routeCode])));

/** The land of all territories after settling. */
async function settled(given: Claims): Promise<Lands> {
  const { landOf } = await settle(given);
  return new Map(
    given.territories.map(({ areaId, cells }) => {
      const land = landOf.get(areaId);
      return [areaId, fine(land === undefined ? cells : routedCells(land))];
    }),
  );
}

const claimsOf = (lands: Lands, service: Claims['service']): Claims => ({
  service,
  territories: [...lands].map(([areaId, routes]) => {
    const byRoute = new Map<string, string[]>();
    for (const [cell, route] of routes) byRoute.set(route, [...(byRoute.get(route) ?? []), cell]);
    return { areaId, cells: routedCells(byRoute) };
  }),
});

/** Everything that settling promises, looked at cell by cell and without its own means. */
function check(given: Claims, after: Lands): void {
  const before: Lands = new Map(given.territories.map((each) => [each.areaId, fine(each.cells)]));
  const service = new Set(given.service.flatMap((cells) => spread(cells)));
  const rank = [...before.keys()].toSorted(
    (a, b) => (before.get(a) as Routes).size - (before.get(b) as Routes).size || (a < b ? -1 : 1),
  );
  const holders = (lands: Lands, cell: string) => rank.filter((id) => lands.get(id)?.has(cell));
  const claimed = new Set([...before.values()].flatMap((routes) => [...routes.keys()]));
  const held = new Set([...after.values()].flatMap((routes) => [...routes.keys()]));
  for (const cell of new Set([...service, ...claimed])) {
    expect(holders(after, cell), cell).toHaveLength(1);
    const [holder = ''] = holders(after, cell);
    const [first] = holders(before, cell);
    // What is claimed goes to the smallest of those who claim it, on the route that it had.
    if (first === undefined) continue;
    expect(holder).toBe(first);
    expect(after.get(holder)?.get(cell)).toBe(before.get(first)?.get(cell));
  }
  for (const cell of held) expect(service.has(cell) || claimed.has(cell), cell).toBe(true);
  checkRings({ service, claimed, after, rank });
}

/** What nobody claimed follows a neighbour one ring nearer to what somebody did. */
function checkRings({ service, claimed, after, rank }: Rings): void {
  const holder = (cell: string) => rank.find((id) => after.get(id)?.has(cell)) as string;
  const ringOf = new Map([...claimed].map((cell) => [cell, 0]));
  for (const [cell, r] of ringOf) {
    for (const other of neighboursOf(cell)) {
      if (service.has(other) && !ringOf.has(other)) ringOf.set(other, r + 1);
    }
  }
  const islands = [...service].filter((cell) => !ringOf.has(cell));
  for (const [cell, r] of ringOf) {
    if (r === 0) continue;
    const inner = neighboursOf(cell).filter((other) => ringOf.get(other) === r - 1);
    const ranks = inner.map((other) => rank.indexOf(holder(other)));
    expect(rank.indexOf(holder(cell)), cell).toBe(Math.min(...ranks));
    const own = inner.filter((other) => holder(other) === holder(cell));
    const routes = own.map((other) => after.get(holder(cell))?.get(other));
    expect(routes).toContain(after.get(holder(cell))?.get(cell));
  }
  const left = new Set(islands);
  for (const start of islands) {
    if (!left.delete(start)) continue;
    const island = [start];
    for (const cell of island) {
      for (const other of neighboursOf(cell)) if (left.delete(other)) island.push(other);
    }
    const away = (id: string) =>
      Math.min(
        ...[...ringOf.keys()]
          .filter((cell) => holder(cell) === id)
          .flatMap((cell) => island.map((own) => distanceKm(cell, own))),
      );
    const owners = new Set(island.map(holder));
    expect(owners.size).toBe(1);
    const nearest = Math.min(...rank.map(away));
    expect(away(holder(start))).toBeCloseTo(nearest, 6);
  }
}

function distanceKm(a: string, b: string): number {
  return greatCircleDistance(cellToLatLng(a), cellToLatLng(b), UNITS.km);
}

describe('settle', () => {
  it('gives every cell to exactly one by its rules, and changes nothing again', async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (given) => {
        const after = await settled(given);
        check(given, after);
        const settledClaims = claimsOf(after, given.service);
        expect(await coverage(settledClaims)).toMatchObject({ overlaps: [], gapCellCount: 0n });
        const again = await settle(settledClaims);
        expect(again).toMatchObject({ changes: [], overlapCellCount: 0, gapCellCount: 0 });
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  it('counts what it found and what it changes', async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (given) => {
        const { changes, overlapCellCount, gapCellCount, gapCellCountAfter } = await settle(given);
        const found = await coverage(given);
        expect(BigInt(gapCellCount)).toBe(found.gapCellCount);
        expect(overlapCellCount > 0).toBe(found.overlaps.length > 0);
        expect(gapCellCountAfter).toBe(0);
        const after = await settled(given);
        const seen = given.territories.map(({ areaId, cells }) => {
          const [old, now] = [fine(cells), after.get(areaId) as Routes];
          const gained = [...now.keys()].filter((cell) => !old.has(cell)).length;
          const lost = [...old.keys()].filter((cell) => !now.has(cell)).length;
          return { areaId, gained, lost, cellCount: now.size };
        });
        expect(changes).toEqual(seen.filter(({ gained, lost }) => gained + lost > 0));
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('does the same in whatever order it is told', async () => {
    await fc.assert(
      fc.asyncProperty(claims, async (given) => {
        const turned = {
          service: given.service.map((cells) => cells.toReversed()).toReversed(),
          territories: given.territories
            .map((each) => ({ ...each, cells: each.cells.toReversed() }))
            .toReversed(),
        };
        const [one, other] = [await settled(given), await settled(turned)];
        for (const [id, routes] of one) expect(sorted(other.get(id))).toEqual(sorted(routes));
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it('leaves an enclave its land, and all that is without territories', async () => {
    const around = {
      areaId: 'a',
      cells: ring(HANGZHOU, 6).map((cell) => ({ cell, routeCode: '' })),
    };
    const enclave = {
      areaId: 'b',
      cells: ring(HANGZHOU, 1).map((cell) => ({ cell, routeCode: '' })),
    };
    const { changes } = await settle({ service: [], territories: [around, enclave] });
    expect(changes).toEqual([{ areaId: 'a', gained: 0, lost: 7, cellCount: 120 }]);
    const nobody = await settle({
      service: [[HANGZHOU]],
      territories: [{ areaId: 'a', cells: [] }],
    });
    expect(nobody).toMatchObject({ changes: [], gapCellCount: 1, gapCellCountAfter: 1 });
  });

  it('finds the nearest cell', async () => {
    const grid = ring(PENTAGON, 20);
    const some = fc.subarray(grid, { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(some, fc.constantFrom(...grid), async (cells, from) => {
        const { cell } = (await nearestOf(cells))(from);
        const least = Math.min(...cells.map((each) => distanceKm(each, from)));
        expect(distanceKm(cell, from)).toBeCloseTo(least, 9);
      }),
    );
  });
});

describe('the checks of these tests', () => {
  const given: Claims = {
    service: [ring(HANGZHOU, 5)],
    territories: [
      { areaId: 'a', cells: ring(HANGZHOU, 3).map((cell) => ({ cell, routeCode: '01' })) },
      { areaId: 'b', cells: ring(HANGZHOU, 2).map((cell) => ({ cell, routeCode: '' })) },
    ],
  };
  const far = ring(HANGZHOU, 9).at(-1) as string;
  const edge = ring(HANGZHOU, 5).at(-1) as string;
  it.each<[string, (a: Routes, b: Routes) => void]>([
    ['a cell with two territories', (a) => a.set(HANGZHOU, '01')],
    ['a cell with none', (a) => a.delete(edge)],
    [
      'land that went to the larger one',
      (a, b) => {
        b.delete(HANGZHOU);
        a.set(HANGZHOU, '01');
      },
    ],
    ['land outside of the service areas', (_, b) => b.set(far, '')],
    [
      'a gap given to one that it does not touch',
      (a, b) => {
        a.delete(edge);
        b.set(edge, '');
      },
    ],
    ['a gap on no route of its neighbours', (a) => a.set(edge, '02')],
    ['a cell that lost its route', (a) => a.set(ring(HANGZHOU, 3).at(-1) as string, '')],
  ])('see %s', async (_, spoil) => {
    const after = await settled(given);
    check(given, after);
    spoil(after.get('a') as Routes, after.get('b') as Routes);
    expect(() => check(given, after)).toThrow();
  });
});

function coverage({ service, territories }: Claims) {
  const rows = (area_id: string, kind: 'service' | 'territory', cells: readonly string[]) =>
    cells.map((cell) => ({ area_id, kind, cell, division_code: null }));
  return coverageOf([
    ...service.flatMap((cells, i) => rows(`s${i}`, 'service', cells)),
    ...territories.flatMap(({ areaId, cells }) =>
      rows(
        areaId,
        'territory',
        cells.map(({ cell }) => cell),
      ),
    ),
  ]);
}

function sorted(routes: Routes | undefined): [string, string][] {
  return [...(routes ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
}

type Disk = { at: number; k: number };
/** The route of each cell of resolution 9. */
type Routes = Map<string, string>;
type Lands = Map<string, Routes>;
type Rings = {
  service: ReadonlySet<string>;
  claimed: ReadonlySet<string>;
  after: Lands;
  rank: readonly string[];
};
