import { cutIntoParts } from './divide/cut.ts';
import { type Graph, graphOf, piecesOf } from './divide/graph.ts';
import { loadsOf, rebalance, takeBack } from './divide/rebalance.ts';

/** The heaviest route may have so many times the mean load. */
export const BALANCE_MAX = 1.15;

/**
 * Divides land into routes: each cell of it is in exactly one, each route hangs together, and the
 * heaviest has at most BALANCE_MAX times the mean load where cells are light enough for that. Cells
 * keep the routes of `before` as far as that holds: as long as loads stay in balance nothing moves,
 * then as few as come up. Answers the route of each cell.
 */
export async function divide({
  cells,
  loadOf,
  routeCount,
  before,
}: Division): Promise<{ routeOf: Map<string, string>; balance: number }> {
  const ordered = [...cells].sort();
  const graph = graphOf(ordered, loadOf);
  const names = [...new Set(ordered.flatMap((cell) => before.get(cell) ?? []))].sort();
  const kept = names.length === routeCount ? adjusted(graph, names, before) : undefined;
  if (kept !== undefined && balanceOf(graph, kept, routeCount) <= BALANCE_MAX + ROUNDING) {
    return answer(graph, kept, names);
  }
  const fresh = await cutIntoParts(graph, routeCount);
  rebalance(graph, fresh, routeCount, BALANCE_MAX);
  const freshBalance = balanceOf(graph, fresh, routeCount);
  // Single cells can be too heavy for any balance; a new division is then worth little.
  if (kept !== undefined && balanceOf(graph, kept, routeCount) <= freshBalance + 0.02) {
    return answer(graph, kept, names);
  }
  return answer(graph, fresh, namesFor(graph, fresh, { routeCount, before }));
}

/** Loads of the heaviest part to the mean. */
function balanceOf(graph: Graph, part: Int32Array, count: number): number {
  const loads = loadsOf(graph, part, count);
  return (Math.max(...loads) * count) / loads.reduce((sum, load) => sum + load, 0);
}

/** The division from before on the land as it is now, with as few moves as bring it in balance. */
function adjusted(
  graph: Graph,
  names: readonly string[],
  before: ReadonlyMap<string, string>,
): Int32Array {
  const part = Int32Array.from(graph.cells, (cell) => names.indexOf(before.get(cell) ?? ''));
  // Of a route that land gone has parted, the heaviest piece keeps the name.
  names.forEach((_, p) => {
    const nodes = graph.cells.flatMap((_, i) => (part[i] === p ? [i] : []));
    const pieces = piecesOf(graph.neighbours, nodes, (node) => part[node] === p);
    const loads = pieces.map((piece) => piece.reduce((sum, i) => sum + (graph.loads[i] ?? 0), 0));
    const heaviest = loads.indexOf(Math.max(...loads));
    pieces.forEach((piece, i) => {
      if (i !== heaviest) for (const node of piece) part[node] = -1;
    });
  });
  adopt(graph, part, names.length);
  const adopted = part.slice();
  const [count, limit] = [names.length, BALANCE_MAX];
  // What was moved first may have become needless by what was moved later.
  if (rebalance(graph, part, count, limit)) {
    takeBack(graph, part, { before: adopted, count, limit });
  }
  return part;
}

/** Gives cells without a part to the lightest one that they touch, from the borders inwards. */
function adopt(graph: Graph, part: Int32Array, count: number): void {
  const loads = new Array<number>(count).fill(0);
  part.forEach((p, node) => {
    if (p >= 0) loads[p] = (loads[p] as number) + (graph.loads[node] as number);
  });
  let orphans = graph.cells.flatMap((_, i) => (part[i] === -1 ? [i] : []));
  while (orphans.length > 0) {
    const left = orphans.filter((node) => {
      const touched = (graph.neighbours[node] ?? []).flatMap((other) => {
        const p = part[other] as number;
        return p >= 0 ? [p] : [];
      });
      if (touched.length === 0) return true;
      const lightest = touched.reduce((a, b) =>
        (loads[b] as number) < (loads[a] as number) ? b : a,
      );
      part[node] = lightest;
      loads[lightest] = (loads[lightest] as number) + (graph.loads[node] as number);
      return false;
    });
    // All land hangs together, so each round reaches some.
    if (left.length === orphans.length) throw new Error('a cell touches no route');
    orphans = left;
  }
}

/** Names for new parts: that of the route with which a part has the most load in common. */
function namesFor(graph: Graph, part: Int32Array, { routeCount, before }: Naming): string[] {
  const common = new Map<string, number>();
  graph.cells.forEach((cell, i) => {
    const name = before.get(cell);
    if (name === undefined) return;
    const key = `${part[i]} ${name}`;
    common.set(key, (common.get(key) ?? 0) + (graph.loads[i] ?? 0));
  });
  const names = new Array<string>(routeCount).fill('');
  for (const [key] of [...common].sort((a, b) => b[1] - a[1])) {
    const [p = '', name = ''] = key.split(' ');
    if (names[Number(p)] === '' && !names.includes(name)) names[Number(p)] = name;
  }
  let number = 0;
  return names.map((name) => {
    if (name !== '') return name;
    let next: string;
    do next = String(++number).padStart(2, '0');
    while (names.includes(next));
    return next;
  });
}

function answer(graph: Graph, part: Int32Array, names: readonly string[]) {
  const routeOf = new Map(graph.cells.map((cell, i) => [cell, names[part[i] as number] as string]));
  return { routeOf, balance: balanceOf(graph, part, names.length) };
}

/** Sums of the same loads in another order differ by less. */
const ROUNDING = 1e-9;

export type Division = {
  /** Of one resolution, each once. */
  cells: readonly string[];
  /** A cell that is missing has none. */
  loadOf: ReadonlyMap<string, number>;
  /** 1 to as many as there are cells. */
  routeCount: number;
  before: ReadonlyMap<string, string>;
};
type Naming = { routeCount: number; before: ReadonlyMap<string, string> };
