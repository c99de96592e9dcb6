import { type Graph, piecesOf } from './graph.ts';

/**
 * Moves single cells from loaded parts towards lighter ones, over parts between if need be, until
 * none has more than `limit` times the mean; all parts go on hanging together. Changes `part` and
 * answers whether it came so far. Cells that do not have to move stay.
 */
export function rebalance(graph: Graph, part: Int32Array, count: number, limit: number): boolean {
  const loads = loadsOf(graph, part, count);
  const mean = loads.reduce((sum, load) => sum + load, 0) / count;
  const moves = new Uint8Array(part.length);
  const state = { graph, part, loads, most: limit * mean, moves };
  for (let step = 0; step < 4 * part.length; step++) {
    const heaviest = loads.indexOf(Math.max(...loads));
    if ((loads[heaviest] as number) <= limit * mean) return true;
    if (!relieve(state, heaviest, mean)) return false;
  }
  return false;
}

/** Gives cells back to the parts that they had `before`, as far as balance needs no more of it. */
export function takeBack(
  graph: Graph,
  part: Int32Array,
  { before, count, limit }: { before: Int32Array; count: number; limit: number },
): void {
  const loads = loadsOf(graph, part, count);
  const most = (limit * loads.reduce((sum, load) => sum + load, 0)) / count;
  const left = new Set([...part.keys()].filter((node) => part[node] !== before[node]));
  for (let hasMoved = true; hasMoved; ) {
    hasMoved = false;
    for (const node of left) {
      const [from, to] = [part[node] as number, before[node] as number];
      const load = graph.loads[node] as number;
      if ((loads[to] as number) + load > most) continue;
      if (!(graph.neighbours[node] ?? []).some((other) => part[other] === to)) continue;
      if (!staysWhole(graph, part, node)) continue;
      part[node] = to;
      loads[from] = (loads[from] as number) - load;
      loads[to] = (loads[to] as number) + load;
      left.delete(node);
      hasMoved = true;
    }
  }
}

export function loadsOf({ loads }: Graph, part: Int32Array, count: number): number[] {
  const sums = new Array<number>(count).fill(0);
  part.forEach((p, node) => {
    sums[p] = (sums[p] ?? 0) + (loads[node] ?? 0);
  });
  return sums;
}

/** Moves one cell along the shortest way from a part to one below the mean. */
function relieve(state: State, from: number, mean: number): boolean {
  const blocked = new Set<string>();
  for (;;) {
    const way = wayToLighter(state, from, { mean, blocked });
    if (way === undefined) return false;
    // From the far end, so that no part between is ever without its cell.
    let isDone = true;
    for (let i = way.length - 1; i > 0 && isDone; i--) {
      const [a, b] = [way[i - 1] as number, way[i] as number];
      isDone = moveCell(state, a, b);
      if (!isDone) blocked.add(`${a} ${b}`);
    }
    if (isDone) return true;
  }
}

/** The parts on the shortest way, by parts that touch. */
function wayToLighter(
  { graph, part, loads }: State,
  from: number,
  { mean, blocked }: { mean: number; blocked: ReadonlySet<string> },
): number[] | undefined {
  const touching = loads.map(() => new Set<number>());
  part.forEach((p, node) => {
    for (const other of graph.neighbours[node] ?? []) {
      const q = part[other] as number;
      if (q !== p && !blocked.has(`${p} ${q}`)) touching[p]?.add(q);
    }
  });
  const cameFrom = new Map<number, number>([[from, -1]]);
  for (const p of cameFrom.keys()) {
    if ((loads[p] as number) < mean && p !== from) {
      const way = [p];
      while (way[0] !== from) way.unshift(cameFrom.get(way[0] as number) as number);
      return way;
    }
    for (const q of touching[p] ?? []) if (!cameFrom.has(q)) cameFrom.set(q, p);
  }
  return undefined;
}

/** Gives `to` the cell of `from` that fits it best; false if none can go. */
function moveCell({ graph, part, loads, most, moves }: State, from: number, to: number): boolean {
  const candidates: { node: number; fit: number }[] = [];
  part.forEach((p, node) => {
    // A cell that went to and fro would do so for ever.
    if (p !== from || (moves[node] as number) > 1) return;
    let fit = 0;
    let touches = false;
    for (const other of graph.neighbours[node] ?? []) {
      if (part[other] === to) {
        touches = true;
        fit++;
      } else if (part[other] === from) fit--;
    }
    if (touches) candidates.push({ node, fit });
  });
  candidates.sort((a, b) => b.fit - a.fit || a.node - b.node);
  for (const { node } of candidates) {
    const load = graph.loads[node] as number;
    if ((loads[to] as number) + load > Math.max(most, loads[from] as number)) continue;
    if (!staysWhole(graph, part, node)) continue;
    part[node] = to;
    moves[node] = (moves[node] as number) + 1;
    loads[from] = (loads[from] as number) - load;
    loads[to] = (loads[to] as number) + load;
    return true;
  }
  return false;
}

/** Whether a part hangs together without this node, and is not empty. */
function staysWhole({ neighbours }: Graph, part: Int32Array, node: number): boolean {
  const own = part[node];
  const around = (neighbours[node] ?? []).filter((other) => part[other] === own);
  if (around.length < 2) return around.length === 1;
  const pieces = piecesOf(neighbours, around, (other) => other !== node && part[other] === own);
  return pieces.length === 1;
}

type State = {
  graph: Graph;
  part: Int32Array;
  loads: number[];
  most: number;
  moves: Uint8Array;
};
