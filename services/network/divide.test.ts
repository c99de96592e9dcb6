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

/**
 * That nothing moved if the routes from before would do; else that what moved keeps each route in
 * one piece and in balance, and that no cell of it could go back alone.
 */
function checkStable(land: Division, routeOf: Map<string, string>): void {
  const moved = land.cells.filter((cell) => routeOf.get(cell) !== land.before.get(cell));
  if (heaviest(land, land.before) <= BALANCE_MAX) {
    expect(moved).toEqual([]);
    return;
  }
  expect(check(land, routeOf)).toBeLessThanOrEqual(BALANCE_MAX + 1e-9);
  expect(moved).not.toEqual([]);
  for (const cell of moved) {
    const back = new Map(routeOf).set(cell, land.before.get(cell) as string);
    expect(isGood(land, back), `${cell} could have stayed`).toBe(false);
  }
}

function isGood(land: Division, routeOf: Map<string, string>): boolean {
  // Sums in another order may differ in the last digit.
  if (heaviest(land, routeOf) > BALANCE_MAX - 1e-9) return false;
  const graph = graphOf(land.cells.toSorted(), land.loadOf);
  return [...new Set(routeOf.values())].every((route) => {
    const isIn = (node: number) => routeOf.get(graph.cells[node] as string) === route;
    const nodes = graph.cells.flatMap((_, i) => (isIn(i) ? [i] : []));
    return piecesOf(graph.neighbours, nodes, isIn).length === 1;
  });
}

/** Load of the heaviest route to the mean. */
function heaviest({ loadOf, routeCount }: Division, routeOf: ReadonlyMap<string, string>): number {
  const loads = new Map<string, number>();
  for (const [cell, route] of routeOf) {
    loads.set(route, (loads.get(route) ?? 0) + (loadOf.get(cell) ?? 0));
  }
  const all = [...loads.values()];
  return (Math.max(...all) * routeCount) / all.reduce((sum, load) => sum + load, 0);
}

/** Hundredths by which loads go up and down, of routes as a whole and of single cells. */
const drift = fc.record({
  cells: fc.array(fc.integer({ min: 70, max: 130 }), { minLength: 5, maxLength: 30 }),
  routes: fc.array(fc.integer({ min: 90, max: 125 }), { minLength: 6, maxLength: 6 }),
});

function drifting(
  { loadOf }: Division,
  before: ReadonlyMap<string, string>,
  { cells, routes }: Drift,
): Map<string, number> {
  return new Map(
    [...loadOf].map(([cell, load], i) => {
      const own = cells[(i * 7) % cells.length] as number;
      const whole = routes[Number(before.get(cell)) - 1] as number;
      return [cell, (load * own * whole) / 10_000];
    }),
  );
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

  it('moves nothing while no route has more than 1.15 times the mean load', async () => {
    let [still, moving] = [0, 0];
    await fc.assert(
      fc.asyncProperty(city, drift, async (land, factors) => {
        const { routeOf: before } = await divide(land);
        const again = await divide({ ...land, cells: land.cells.toReversed(), before });
        expect(again.routeOf).toEqual(sorted(before));
        const drifted = { ...land, loadOf: drifting(land, before, factors), before };
        const next = await divide(drifted);
        if (heaviest(drifted, before) <= BALANCE_MAX) still++;
        else moving++;
        checkStable(drifted, next.routeOf);
      }),
      { numRuns: 60 },
    );
    // Both are looked at.
    expect(Math.min(still, moving)).toBeGreaterThan(5);
  }, 120_000);

  it('moves only as many cells as it must when one route grows too heavy', async () => {
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
        const { routeOf } = await divide(drifted);
        checkStable(drifted, routeOf);
        const moved = land.cells.filter((cell) => routeOf.get(cell) !== before.get(cell));
        expect(moved.length / land.cells.length).toBeLessThan(0.45);
      }),
      { numRuns: 30 },
    );
  }, 120_000);

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

  it('see a cell that moved for nothing, and one too many', async () => {
    const cells = ring(CENTRE, 6);
    const even = { cells, loadOf: new Map<string, number>(), routeCount: 3, before: new Map() };
    const loads = new Map(cells.map((cell) => [cell, 1]));
    const { routeOf: before } = await divide({ ...even, loadOf: loads });
    const neighbour = (routes: Map<string, string>, cell: string) =>
      neighboursOf(cell)
        .map((other) => routes.get(other))
        .find((route) => route !== undefined && route !== routes.get(cell));
    const land = { ...even, loadOf: loads, before };
    const atEdge = cells.find((cell) => neighbour(before, cell) !== undefined) as string;
    const idle = new Map(before).set(atEdge, neighbour(before, atEdge) as string);
    checkStable(land, before);
    expect(() => checkStable(land, idle)).toThrow();
    const heavy = before.get(CENTRE);
    const loadOf = new Map(cells.map((cell) => [cell, before.get(cell) === heavy ? 1.3 : 1]));
    const drifted = { ...land, loadOf };
    const { routeOf } = await divide(drifted);
    checkStable(drifted, routeOf);
    const spare = cells.find((cell) => {
      const other = neighbour(routeOf, cell);
      if (routeOf.get(cell) !== before.get(cell) || other === undefined) return false;
      return isGood(drifted, new Map(routeOf).set(cell, other));
    }) as string;
    const more = new Map(routeOf).set(spare, neighbour(routeOf, spare) as string);
    expect(() => checkStable(drifted, more)).toThrow();
  });
});

type Drift = { cells: number[]; routes: number[] };

function sorted(routes: Map<string, string>): Map<string, string> {
  return new Map([...routes].sort(([a], [b]) => (a < b ? -1 : 1)));
}
