import { setImmediate } from 'node:timers/promises';
import { neighboursOf, spread } from '#libs/geo';
import { nearestOf } from './settle/nearest.ts';
import type { RoutedCell } from './store.ts';

/**
 * Gives every cell of the service areas to exactly one territory, and no cell to two. What several
 * claim goes to the one with the fewest cells, so that an enclave keeps its land; what none claims
 * to the one that it touches, ring by ring, with the route of the cell next to it; an island that
 * touches none to the nearest. Of territories alike the one with fewer cells before counts, then
 * the lower id. Cells outside of the service areas are never given to anybody. Others have their
 * turn in between.
 */
export async function settle({ service, territories }: Claims): Promise<Settlement> {
  const land = await claimed(territories);
  const overlapCellCount = land.contested.size;
  const gaps = await gapsIn(service, land);
  const gapCellCount = gaps.size;
  await fillFrom(land, gaps, await touching(land, gaps));
  await fillIslands(land, gaps);
  const changed = land.parties.filter(({ gained, lost }) => gained + lost > 0);
  const landOf = await landsOf(land, new Set(changed));
  return {
    changes: changed.sort((a, b) => (a.areaId < b.areaId ? -1 : 1)),
    landOf,
    ...{ overlapCellCount, gapCellCount, gapCellCountAfter: gaps.size },
  };
}

/** What each claims, with what several claim given to the first in rank. */
async function claimed(territories: Claims['territories']): Promise<Land> {
  const spreads = [];
  for (const { areaId, cells } of territories) {
    const routes = new Map<string, string[]>();
    for (const { cell, routeCode } of cells) {
      const own = routes.get(routeCode);
      if (own === undefined) routes.set(routeCode, [cell]);
      else own.push(cell);
    }
    const fine = [...routes].map(([routeCode, own]) => ({ routeCode, cells: spread(own) }));
    spreads.push({ areaId, fine, count: fine.reduce((sum, own) => sum + own.cells.length, 0) });
    await setImmediate();
  }
  spreads.sort((a, b) => a.count - b.count || (a.areaId < b.areaId ? -1 : 1));
  const land: Land = { holderOf: new Map(), holdings: [], parties: [], contested: new Set() };
  for (const [rank, { areaId, fine, count }] of spreads.entries()) {
    const party = { areaId, gained: 0, lost: 0, cellCount: count };
    land.parties.push(party);
    for (const { routeCode, cells } of fine) {
      const holder = land.holdings.push({ rank, routeCode }) - 1;
      for (const cell of cells) {
        if (!land.holderOf.has(cell)) land.holderOf.set(cell, holder);
        else {
          land.contested.add(cell);
          party.lost++;
          party.cellCount--;
        }
      }
    }
    await setImmediate();
  }
  return land;
}

async function gapsIn(service: Claims['service'], { holderOf }: Land): Promise<Set<string>> {
  const gaps = new Set<string>();
  for (const cells of service) {
    for (const cell of spread(cells)) if (!holderOf.has(cell)) gaps.add(cell);
    await setImmediate();
  }
  return gaps;
}

async function touching({ holderOf }: Land, gaps: ReadonlySet<string>): Promise<string[]> {
  const found: string[] = [];
  const turn = turns();
  for (const cell of gaps) {
    if (neighboursOf(cell).some((other) => holderOf.has(other))) found.push(cell);
    await turn();
  }
  return found;
}

/** Gives gaps away ring by ring; `ring` are those that touch land which somebody has. */
async function fillFrom(land: Land, gaps: Set<string>, ring: readonly string[]): Promise<void> {
  const turn = turns();
  let now: Iterable<string> = ring;
  for (;;) {
    const given: { cell: string; around: string[]; holder: number }[] = [];
    for (const cell of now) {
      const around = neighboursOf(cell).sort();
      given.push({ cell, around, holder: holderAmong(land, around) });
      await turn();
    }
    if (given.length === 0) return;
    for (const each of given) give(land, gaps, each);
    const next = new Set<string>();
    for (const { around } of given) for (const cell of around) if (gaps.has(cell)) next.add(cell);
    now = next;
  }
}

/** The first of those who hold any of these cells; with a route if there is one among them. */
function holderAmong({ holderOf, holdings }: Land, cells: readonly string[]): number {
  let best = -1;
  for (const cell of cells) {
    const holder = holderOf.get(cell);
    if (holder === undefined) continue;
    const [a, b] = [holdings[holder] as Holding, holdings[best]];
    const isFirst =
      b === undefined ||
      a.rank < b.rank ||
      (a.rank === b.rank && a.routeCode !== '' && b.routeCode === '');
    if (isFirst) best = holder;
  }
  return best;
}

function give({ holderOf, holdings, parties }: Land, gaps: Set<string>, { cell, holder }: Gift) {
  holderOf.set(cell, holder);
  gaps.delete(cell);
  const party = parties[(holdings[holder] as Holding).rank] as Party;
  party.gained++;
  party.cellCount++;
}

/** Gives each piece of what is left to whom the cell nearest to it belongs. */
async function fillIslands(land: Land, gaps: Set<string>): Promise<void> {
  if (gaps.size === 0 || land.holderOf.size === 0) return;
  const nearest = await nearestOf([...land.holderOf.keys()]);
  const turn = turns();
  const seeds: Gift[] = [];
  const left = new Set(gaps);
  for (const start of gaps) {
    if (!left.delete(start)) continue;
    const island = [start];
    let best = { cell: '', distance: Infinity, seed: start };
    for (let i = 0; i < island.length; i++) {
      const cell = island[i] as string;
      const around = neighboursOf(cell);
      for (const other of around) if (left.delete(other)) island.push(other);
      await turn();
      // From within, the way to any other land leads over the shore.
      if (around.every((other) => gaps.has(other))) continue;
      const found = nearest(cell);
      if (found.distance < best.distance) best = { ...found, seed: cell };
    }
    seeds.push({ cell: best.seed, holder: land.holderOf.get(best.cell) as number });
  }
  for (const seed of seeds) give(land, gaps, seed);
  await fillFrom(land, gaps, await touching(land, gaps));
}

/** All cells of these, by route. */
async function landsOf(
  { holderOf, holdings, parties }: Land,
  wanted: ReadonlySet<Party>,
): Promise<Settlement['landOf']> {
  const lands = new Map<string, Map<string, string[]>>();
  for (const { areaId } of wanted) lands.set(areaId, new Map());
  const turn = turns();
  for (const [cell, holder] of holderOf) {
    await turn();
    const { rank, routeCode } = holdings[holder] as Holding;
    const routes = lands.get((parties[rank] as Party).areaId);
    const cells = routes?.get(routeCode);
    if (cells === undefined) routes?.set(routeCode, [cell]);
    else cells.push(cell);
  }
  return lands;
}

/** Gives others their turn each few thousand times that it is waited for. */
function turns(): () => Promise<void> | undefined {
  let count = 0;
  return () => (++count % CELLS_A_TURN === 0 ? setImmediate() : undefined);
}

const CELLS_A_TURN = 2_000;

export type Claims = {
  /** Of each service area; compacted. */
  service: readonly (readonly string[])[];
  /** Each once; cells compacted within a route. */
  territories: readonly { areaId: string; cells: readonly RoutedCell[] }[];
};
export type Settlement = {
  /** What changes, in order of id; counts are cells of resolution 9. */
  changes: readonly Readonly<Party>[];
  /** All land of those that change: cells of resolution 9, by route. */
  landOf: ReadonlyMap<string, Map<string, string[]>>;
  /** How many cells several claimed before, */
  overlapCellCount: number;
  /** how many of the service areas none claimed, */
  gapCellCount: number;
  /** and none does now: all those of before, if no territory has any cell, else none. */
  gapCellCountAfter: number;
};

/** In order of rank. */
type Party = { areaId: string; gained: number; lost: number; cellCount: number };
/** A route of a territory, or what of it has none. */
type Holding = { rank: number; routeCode: string };
type Gift = { cell: string; holder: number };
type Land = {
  /** The number of the holding that each cell belongs to. */
  holderOf: Map<string, number>;
  holdings: Holding[];
  parties: Party[];
  contested: Set<string>;
};
