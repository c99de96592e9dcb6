import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cellOf, neighboursOf, ring } from '#libs/geo';
import { graphOf, piecesOf } from './divide/graph.ts';
import { BALANCE_MAX, type Division, divide } from './divide.ts';

const CENTRE = cellOf({ latitudeDeg: 31.23, longitudeDeg: 121.47 });

/** Land of a hundred cells or more, in a piece or in several, with loads as cities have them. */
const city = fc
  .record({
    k: fc.integer({ min: 6, max: 12 }),
    holes: fc.array(fc.nat(400), { maxLength: 6 }),
    island: fc.boolean(),
    loads: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 7, maxLength: 50 }),
    routeCount: fc.integer({ min: 2, max: 6 }),
  })
  .map(({ k, holes, island, loads, routeCount }) => {
    const disk = ring(CENTRE, k);
    const away = island ? ring(ring(CENTRE, k + 6).at(-1) as string, 1) : [];
    const gone = new Set(holes.map((hole) => disk[hole % disk.length]));
    const cells = [...disk.filter((cell) => !gone.has(cell)), ...away];
    const loadOf = new Map(cells.map((cell, i) => [cell, loads[(i * i) % loads.length] as number]));
    return { cells, loadOf, routeCount, before: new Map<string, string>() };
  });

function check({ cells, loadOf, routeCount }: Division, routeOf: Map<string, string>): number {
  // Every cell has exactly one route, and nothing else has one.
  expect([...routeOf.keys()].toSorted()).toEqual(cells.toSorted());
  const routes = new Set(routeOf.values());
  expect(routes.size).toBe(routeCount);
  const graph = graphOf(cells.toSorted(), loadOf);
  const loads: number[] = [];
  for (const route of routes) {
    expect(route).toMatch(/^[0-9]{2}$/);
    const isIn = (node: number) => routeOf.get(graph.cells[node] as string) === route;
    const nodes = graph.cells.flatMap((_, i) => (isIn(i) ? [i] : []));
    expect(piecesOf(graph.neighbours, nodes, isIn), `route ${route}`).toHaveLength(1);
    loads.push(nodes.reduce((sum, i) => sum + (graph.loads[i] as number), 0));
  }
  return (Math.max(...loads) * routeCount) / loads.reduce((sum, load) => sum + load, 0);
}

describe('divide', () => {
  it('gives each cell one route, each route one piece, and all about the same load', async () => {
    await fc.assert(
      fc.asyncProperty(city, async (land) => {
        const { routeOf, balance } = await divide(land);
        expect(check(land, routeOf)).toBeCloseTo(balance, 9);
        expect(balance).toBeLessThanOrEqual(BALANCE_MAX);
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  it('moves nothing while loads stay in balance, whatever the order of the cells', async () => {
    await fc.assert(
      fc.asyncProperty(city, async (land) => {
        const { routeOf: before } = await divide(land);
        const again = await divide({ ...land, cells: land.cells.toReversed(), before });
        expect(again.routeOf).toEqual(sorted(before));
        // A drift that leaves every route under the limit.
        const loadOf = new Map([...land.loadOf].map(([cell, load]) => [cell, load * 3]));
        expect((await divide({ ...land, loadOf, before })).routeOf).toEqual(sorted(before));
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('moves few cells when one route grows too heavy', async () => {
    await fc.assert(
      fc.asyncProperty(city, fc.integer({ min: 13, max: 18 }), async (land, tenths) => {
        const { routeOf: before } = await divide(land);
        const heavy = [...before.values()][0];
        const loadOf = new Map(
          [...land.loadOf].map(([cell, load]) => [
            cell,
            before.get(cell) === heavy ? (load * tenths) / 10 : load,
          ]),
        );
        const drifted = { ...land, loadOf, before };
        const { routeOf, balance } = await divide(drifted);
        check(drifted, routeOf);
        expect(balance).toBeLessThanOrEqual(BALANCE_MAX);
        const moved = land.cells.filter((cell) => routeOf.get(cell) !== before.get(cell));
        expect(moved.length / land.cells.length).toBeLessThan(0.45);
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  it('keeps routes where land comes and goes', async () => {
    const disk = ring(CENTRE, 10);
    const loadOf = new Map(disk.map((cell) => [cell, 1]));
    const land = { cells: disk, loadOf, routeCount: 5, before: new Map<string, string>() };
    const { routeOf: before } = await divide(land);
    const without = disk.filter((_, i) => i % 37 !== 5);
    const grown = [...without, ...ring(CENTRE, 11).filter((cell) => !disk.includes(cell))];
    const next = { ...land, cells: grown, loadOf: new Map(grown.map((cell) => [cell, 1])), before };
    const { routeOf } = await divide(next);
    expect(check(next, routeOf)).toBeLessThanOrEqual(BALANCE_MAX);
    const stayed = without.filter((cell) => routeOf.get(cell) === before.get(cell));
    expect(stayed.length / without.length).toBeGreaterThan(0.9);
  });

  it('does what it can with a cell that is heavier than a route', async () => {
    const cells = ring(CENTRE, 4);
    const loadOf = new Map(cells.map((cell) => [cell, 1]));
    loadOf.set(CENTRE, 1_000);
    const land = { cells, loadOf, routeCount: 3, before: new Map<string, string>() };
    const { routeOf: before, balance } = await divide(land);
    check(land, before);
    expect(balance).toBeGreaterThan(2);
    // And does not do something else each time.
    expect((await divide({ ...land, before })).routeOf).toEqual(before);
  });

  it('takes as many routes as cells, and one', async () => {
    const cells = ring(CENTRE, 1);
    for (const routeCount of [1, 7]) {
      const land = { cells, loadOf: new Map(), routeCount, before: new Map<string, string>() };
      expect(check(land, (await divide(land)).routeOf)).toBeCloseTo(1);
    }
  });
});

describe('the checks of these tests', () => {
  it('see a route in two pieces', async () => {
    const cells = ring(CENTRE, 3);
    const land = { cells, loadOf: new Map(), routeCount: 2, before: new Map<string, string>() };
    const { routeOf } = await divide(land);
    const own = routeOf.get(CENTRE);
    const far = cells.find(
      (cell) =>
        routeOf.get(cell) !== own &&
        neighboursOf(cell).every((other) => routeOf.get(other) !== own),
    ) as string;
    routeOf.set(far, own as string);
    expect(() => check(land, routeOf)).toThrow();
  });
});

function sorted(routes: Map<string, string>): Map<string, string> {
  return new Map([...routes].sort(([a], [b]) => (a < b ? -1 : 1)));
}
