import { setImmediate } from 'node:timers/promises';
import { cellOf, neighboursOf, ring, spread } from '#libs/geo';
import { type Claims, settle } from '../../services/network/settle.ts';

/**
 * What settling makes of territories that lie over one another and leave land out: how many cells
 * have exactly one code, and how long a courier with as much land as may be takes, and others wait.
 */
export async function benchTerritories(say: (line: string) => void): Promise<Settled> {
  const city = madeUp({ k: 3, count: 30 });
  const before = oneCodeShare(city);
  const { landOf } = await settle(city);
  const after = oneCodeShare({
    service: city.service,
    territories: city.territories.map(({ areaId, cells }) => {
      const land = landOf.get(areaId);
      if (land === undefined) return { areaId, cells };
      const routed = [...land].flatMap(([routeCode, own]) =>
        own.map((cell) => ({ cell, routeCode })),
      );
      return { areaId, cells: routed };
    }),
  });
  const large = madeUp({ k: 11, count: 290 });
  const cells = large.service.reduce((sum, each) => sum + spread(each).length, 0);
  const claimed = large.territories.reduce((sum, each) => sum + each.cells.length, 0);
  const startMs = performance.now();
  const heapMb = heap();
  const working = settle(large);
  const { longestMs, peakMb } = await watch(working);
  const { gapCellCount, overlapCellCount } = await working;
  const settleMs = Math.round(performance.now() - startMs);
  say(`settling: one code for ${100 * before} % of the cells before, ${100 * after} % after;`);
  say(`  ${cells} cells served, ${claimed} claimed, ${overlapCellCount} by several,`);
  say(`  ${gapCellCount} by none: ${settleMs} ms, others wait for ${longestMs} ms at most,`);
  say(`  ${peakMb - heapMb} MB`);
  return {
    one_code_share_before: before,
    one_code_share: after,
    settle_cells: cells,
    settle_ms: settleMs,
    settle_turn_ms: longestMs,
    settle_mb: peakMb - heapMb,
  };
}

/** The share of served cells that have exactly one code, counted cell by cell. */
function oneCodeShare({ service, territories }: Claims): number {
  const codesOf = new Map<string, Set<string>>();
  for (const cells of service) for (const cell of spread(cells)) codesOf.set(cell, new Set());
  for (const { areaId, cells } of territories) {
    for (const { cell, routeCode } of cells) codesOf.get(cell)?.add(`${areaId}-${routeCode}`);
  }
  const ones = [...codesOf.values()].filter((codes) => codes.size === 1).length;
  return Math.round((1_000 * ones) / codesOf.size) / 1_000;
}

/** Wide land in one piece with an island, and territories thrown onto it, with routes or not. */
function madeUp({ k, count }: { k: number; count: number }): Claims {
  const random = randomOf(k);
  const wide = ring(cellOf({ latitudeDeg: 31, longitudeDeg: 110 }, 5), k);
  // All around the outermost but three is sea.
  const island = wide.at(-1) as string;
  const shore = new Set([...neighboursOf(island), ...neighboursOf(island).flatMap(neighboursOf)]);
  const land = wide.filter((cell) => cell === island || !shore.has(cell));
  const territories = Array.from({ length: count }, (_, i) => {
    const middle = cellIn(land[Math.floor(random() * land.length)] as string, random);
    const isDivided = i % 3 === 0;
    const cells = ring(middle, 20 + Math.floor(random() * 21));
    const routed = cells.map((cell, n) => ({
      cell,
      routeCode: isDivided ? `0${1 + (n % 4)}` : '',
    }));
    return { areaId: `t${i}`, cells: routed };
  });
  return { service: land.map((cell) => [cell]), territories };
}

function cellIn(wide: string, random: () => number): string {
  const cells = spread([wide]);
  return cells[Math.floor(random() * cells.length)] as string;
}

/** The longest that the event loop stood still, and the most memory, until the work is done. */
async function watch(work: Promise<unknown>): Promise<{ longestMs: number; peakMb: number }> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  let [longestMs, peakMb, lastMs] = [0, 0, performance.now()];
  while (!isDone) {
    await setImmediate();
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, Math.round(nowMs - lastMs));
    lastMs = nowMs;
    peakMb = Math.max(peakMb, heap());
  }
  await done;
  return { longestMs, peakMb };
}

function heap(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Math.round((heapUsed + arrayBuffers) / 2 ** 20);
}

function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

type Settled = Record<
  | 'one_code_share_before'
  | 'one_code_share'
  | 'settle_cells'
  | 'settle_ms'
  | 'settle_turn_ms'
  | 'settle_mb',
  number
>;
