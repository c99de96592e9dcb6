import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cellOf, type LatLng, neighboursOf, ring } from '#libs/geo';
import { divide } from '../../services/network/divide.ts';
import type { BenchOptions } from './main.ts';
import { benchTerritories } from './territories.ts';

const DRIFTS = 10;

/**
 * How well land is divided into routes: the load of the heaviest to the mean, and how many cells
 * move when loads drift; and what settling makes of territories. On a city that is made up, and on
 * the branches of a real one where its data lie at ../shared/data (or QUEQIAO_DATA names another
 * folder).
 */
export async function benchRoutes({ say }: BenchOptions): Promise<Record<string, number>> {
  const made = [25, 12, 8].map((k, i) => madeUp(k, i + 1));
  const real = realBranches(say);
  const [synthetic, city] = [await measure(made), await measure(real)];
  for (const [name, each] of [['made up', synthetic] as const, ['real city', city] as const]) {
    if (each.territories === 0) continue;
    say(`${name}: ${each.territories} territories, ${each.cells} cells, ${each.routes} routes`);
    say(`  max/mean ${each.balanceMean} on average, ${each.balanceMax} at most;`);
    say(`  ${each.unbalanced} over 1.15, of which ${each.tooHeavy} have a cell that heavy alone`);
    say(`  a drift of up to 30 % a cell moves ${each.movedPercent} % of the cells;`);
    say(`  longest division ${each.longestMs} ms`);
  }
  const split = synthetic.split + city.split;
  const settled = await benchTerritories(say);
  return {
    balance_max: synthetic.balanceMax,
    moved_percent: synthetic.movedPercent,
    longest_ms: synthetic.longestMs,
    city_territories: city.territories,
    city_balance_mean: city.balanceMean,
    city_unbalanced: city.unbalanced,
    city_too_heavy: city.tooHeavy,
    city_moved_percent: city.movedPercent,
    split_routes: split,
    contiguous_share: round(1 - split / (synthetic.inOnePiece + city.inOnePiece)),
    ...settled,
  };
}

async function measure(territories: readonly Territory[]): Promise<Figures> {
  const balances: number[] = [];
  const sum = {
    routes: 0,
    unbalanced: 0,
    tooHeavy: 0,
    moved: 0,
    drifted: 0,
    longestMs: 0,
    inOnePiece: 0,
    split: 0,
  };
  for (const { loadOf, routeCount } of territories) {
    const cells = [...loadOf.keys()];
    const startMs = performance.now();
    const division = { cells, loadOf, routeCount, before: new Map<string, string>() };
    const { routeOf, balance } = await divide(division);
    sum.longestMs = Math.max(sum.longestMs, performance.now() - startMs);
    balances.push(balance);
    sum.routes += routeCount;
    const split = splitRoutes(routeOf);
    if (split !== undefined) sum.inOnePiece += routeCount;
    sum.split += split ?? 0;
    if (balance > 1.15) {
      sum.unbalanced++;
      const total = [...loadOf.values()].reduce((a, b) => a + b, 0);
      if (Math.max(...loadOf.values()) > (1.15 * total) / routeCount) sum.tooHeavy++;
    }
    let before = routeOf;
    for (let i = 0; i < DRIFTS; i++) {
      const random = randomOf(i + 1);
      const drifted = new Map(cells.map((cell) => [cell, loadOf.get(cell) as number]));
      for (const [cell, load] of drifted) drifted.set(cell, load * (0.7 + 0.6 * random()));
      const next = await divide({ ...division, loadOf: drifted, before });
      sum.moved += cells.filter((cell) => next.routeOf.get(cell) !== before.get(cell)).length;
      sum.drifted += cells.length;
      before = next.routeOf;
    }
  }
  return {
    territories: territories.length,
    cells: territories.reduce((all, { loadOf }) => all + loadOf.size, 0),
    balanceMax: round(Math.max(0, ...balances)),
    balanceMean: round(balances.reduce((a, b) => a + b, 0) / Math.max(1, balances.length)),
    ...sum,
    movedPercent: round((100 * sum.moved) / Math.max(1, sum.drifted)),
    longestMs: Math.round(sum.longestMs),
  };
}

/** Routes that do not hang together; undefined where their land does not. */
function splitRoutes(routeOf: ReadonlyMap<string, string>): number | undefined {
  const pieces = (isIn: (cell: string) => boolean) => {
    const left = new Set([...routeOf.keys()].filter(isIn));
    let count = 0;
    for (const start of left) {
      count++;
      const work = [start];
      for (let cell = work.pop(); cell !== undefined; cell = work.pop()) {
        left.delete(cell);
        work.push(...neighboursOf(cell).filter((other) => left.has(other)));
      }
    }
    return count;
  };
  // Land in several pieces is joined by bridges, which are no neighbours.
  if (pieces(() => true) > 1) return undefined;
  return [...new Set(routeOf.values())].filter(
    (route) => pieces((cell) => routeOf.get(cell) === route) > 1,
  ).length;
}

/** A disk with a centre, a few sub-centres and noise, about 30 routes. */
function madeUp(k: number, seed: number): Territory {
  const random = randomOf(seed);
  const cells = ring(cellOf({ latitudeDeg: 30.27, longitudeDeg: 120.15 }), k);
  const loadOf = new Map(
    cells.map((cell, i) => {
      const away = Math.sqrt(i / cells.length);
      return [
        cell,
        Math.ceil(40 * Math.exp(-3 * away) * Math.exp(random() * 2 - 1) + random() * 3),
      ];
    }),
  );
  return { loadOf, routeCount: Math.max(4, Math.round(cells.length / 60)) };
}

/** What each branch delivers, in the cells of its points and between them; 300 parcels a route. */
function realBranches(say: (line: string) => void): Territory[] {
  const data = process.env['QUEQIAO_DATA'] ?? join('..', 'shared', 'data');
  const folder = join(data, 'cainiao_lastmile_rush');
  if (!existsSync(folder)) {
    say('real city skipped: no data at ../shared/data; QUEQIAO_DATA names another folder');
    return [];
  }
  const read = (name: string) =>
    readFileSync(join(folder, name), 'utf8')
      .split(/\r?\n|\r/)
      .slice(1)
      .filter(Boolean)
      .map((line) => line.split(','));
  const spots = new Map<string, LatLng>();
  for (const [id = '', longitude, latitude] of read('new_2.csv')) {
    spots.set(id, { longitudeDeg: Number(longitude), latitudeDeg: Number(latitude) });
  }
  const branches = new Map<string, Map<string, number>>();
  for (const [, spot = '', branch = '', count] of read('new_4.csv')) {
    const point = spots.get(spot);
    if (point === undefined) continue;
    const loadOf = branches.get(branch) ?? new Map<string, number>();
    branches.set(branch, loadOf);
    const cell = cellOf(point);
    loadOf.set(cell, (loadOf.get(cell) ?? 0) + Number(count));
  }
  return [...branches.values()].flatMap((loadOf) => {
    const total = [...loadOf.values()].reduce((a, b) => a + b, 0);
    for (const cell of [...loadOf.keys()]) {
      for (const near of ring(cell, 2)) if (!loadOf.has(near)) loadOf.set(near, 0);
    }
    const routeCount = Math.min(Math.max(2, Math.round(total / 300)), 99);
    return loadOf.size > routeCount ? [{ loadOf, routeCount }] : [];
  });
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

type Territory = { loadOf: Map<string, number>; routeCount: number };
type Figures = Record<
  | 'territories'
  | 'cells'
  | 'routes'
  | 'balanceMax'
  | 'balanceMean'
  | 'unbalanced'
  | 'tooHeavy'
  | 'movedPercent'
  | 'longestMs'
  | 'inOnePiece'
  | 'split',
  number
>;
