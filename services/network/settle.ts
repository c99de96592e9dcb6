import { neighboursOf, spread } from '#libs/geo';
import { turns } from '#libs/run';
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
export async function settle(
  { service, territories }: Claims,
  signal?: AbortSignal,
): Promise<Settlement> {
  const others = turns(signal);
  const land = await claimed(territories, others);
  const overlapCellCount = land.contested.size;
  const gaps = await gapsIn(service, land, others);
  await fillFrom(land, gaps, { ring: touching(gaps), others });
  await fillIslands(land, gaps, others);
  const changed = land.parties.filter(({ gained, lost }) => gained + lost > 0);
  const landOf = await landsOf(land, new Set(changed), others);
  return {
    changes: changed.sort((a, b) => (a.areaId < b.areaId ? -1 : 1)),
    landOf,
    ...{ overlapCellCount, gapCellCount: gaps.cells.length },
    gapCellCountAfter: gaps.holders.filter((holder) => holder === NOBODY).length,
  };
}

/** What each claims, with what several claim given to the first in rank. */
async function claimed(territories: Claims['territories'], others: Others): Promise<Land> {
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
    await others();
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
    await others();
  }
  return land;
}

async function gapsIn(
  service: Claims['service'],
  { holderOf }: Land,
  others: Others,
): Promise<Gaps> {
  const at = new Map<string, number>();
  for (const cells of service) {
    for (const cell of spread(cells)) if (!holderOf.has(cell)) at.set(cell, 0);
    await others();
  }
  const cells = [...at.keys()];
  for (const [i, cell] of cells.entries()) at.set(cell, i);
  const around = new Int32Array(SIDES * cells.length).fill(NOBODY);
  for (const [i, cell] of cells.entries()) {
    for (const [side, other] of neighboursOf(cell).sort().entries()) {
      const holder = holderOf.get(other);
      around[SIDES * i + side] = holder === undefined ? (at.get(other) ?? NOBODY) : -2 - holder;
    }
    await others();
  }
  return { cells, around, holders: new Int32Array(cells.length).fill(NOBODY) };
}

/** The gaps without a holder that are next to land which somebody holds. */
function touching(gaps: Gaps): number[] {
  return freeOf(gaps).filter((gap) => aroundOf(gaps, gap).some((it) => holderAt(gaps, it) >= 0));
}

function freeOf({ holders }: Gaps): number[] {
  const free: number[] = [];
  for (const [gap, holder] of holders.entries()) if (holder === NOBODY) free.push(gap);
  return free;
}

function aroundOf({ around }: Gaps, gap: number): Int32Array {
  return around.subarray(SIDES * gap, SIDES * gap + SIDES);
}

function holderAt({ holders }: Gaps, neighbour: number): number {
  return neighbour >= 0 ? (holders[neighbour] as number) : -2 - neighbour;
}

/** Gives gaps away ring by ring; `ring` are those that touch land which somebody has. */
async function fillFrom(land: Land, gaps: Gaps, { ring, others }: Start): Promise<void> {
  let now: Iterable<number> = ring;
  for (;;) {
    const given: Gift[] = [];
    for (const gap of now) given.push({ gap, holder: firstAround(land, gaps, gap) });
    if (given.length === 0) return;
    for (const gift of given) {
      give(land, gaps, gift);
      await others();
    }
    const next = new Set<number>();
    for (const { gap } of given) {
      for (const it of aroundOf(gaps, gap)) {
        if (it >= 0 && gaps.holders[it] === NOBODY) next.add(it);
      }
    }
    now = next;
  }
}

/** The first of those who hold a cell around it; with a route if there is one among them. */
function firstAround({ holdings }: Land, gaps: Gaps, gap: number): number {
  let best = NOBODY;
  for (const it of aroundOf(gaps, gap)) {
    const holder = holderAt(gaps, it);
    if (holder < 0) continue;
    const [a, b] = [holdings[holder] as Holding, holdings[best]];
    const isFirst =
      b === undefined ||
      a.rank < b.rank ||
      (a.rank === b.rank && a.routeCode !== '' && b.routeCode === '');
    if (isFirst) best = holder;
  }
  return best;
}

function give({ holderOf, holdings, parties }: Land, gaps: Gaps, { gap, holder }: Gift): void {
  holderOf.set(gaps.cells[gap] as string, holder);
  gaps.holders[gap] = holder;
  const party = parties[(holdings[holder] as Holding).rank] as Party;
  party.gained++;
  party.cellCount++;
}

/** Gives each piece of what is left to whom the cell nearest to it belongs. */
async function fillIslands(land: Land, gaps: Gaps, others: Others): Promise<void> {
  const free = freeOf(gaps);
  if (free.length === 0 || land.holderOf.size === 0) return;
  const nearest = await nearestOf([...land.holderOf.keys()], others);
  const seeds: Gift[] = [];
  const left = new Set(free);
  for (const start of free) {
    if (!left.delete(start)) continue;
    const island = [start];
    let best = { cell: '', distance: Infinity, gap: start };
    for (let i = 0; i < island.length; i++) {
      const gap = island[i] as number;
      const around = aroundOf(gaps, gap);
      for (const it of around) if (left.delete(it)) island.push(it);
      await others();
      // From within, the way to any other land leads over the shore.
      if (!around.includes(NOBODY)) continue;
      const found = nearest(gaps.cells[gap] as string);
      if (found.distance < best.distance) best = { ...found, gap };
    }
    seeds.push({ gap: best.gap, holder: land.holderOf.get(best.cell) as number });
  }
  for (const seed of seeds) give(land, gaps, seed);
  await fillFrom(land, gaps, { ring: touching(gaps), others });
}

/** All cells of these, by route. */
async function landsOf(
  { holderOf, holdings, parties }: Land,
  wanted: ReadonlySet<Party>,
  others: Others,
): Promise<Settlement['landOf']> {
  const lands = new Map<string, Map<string, string[]>>();
  for (const { areaId } of wanted) lands.set(areaId, new Map());
  for (const [cell, holder] of holderOf) {
    await others();
    const { rank, routeCode } = holdings[holder] as Holding;
    const routes = lands.get((parties[rank] as Party).areaId);
    const cells = routes?.get(routeCode);
    if (cells === undefined) routes?.set(routeCode, [cell]);
    else cells.push(cell);
  }
  return lands;
}

const SIDES = 6;
const NOBODY = -1;

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
type Others = ReturnType<typeof turns>;
type Start = { ring: readonly number[]; others: Others };
type Gift = { gap: number; holder: number };
/** Cells that nobody claimed, by number. */
type Gaps = {
  cells: readonly string[];
  /** Of each the cells around it: numbers of gaps, -2 - holder of land, NOBODY elsewhere. */
  around: Int32Array;
  holders: Int32Array;
};
type Land = {
  /** The number of the holding that each cell belongs to. */
  holderOf: Map<string, number>;
  holdings: Holding[];
  parties: Party[];
  contested: Set<string>;
};
