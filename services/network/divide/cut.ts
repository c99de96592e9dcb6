import { turns } from '#libs/run';
import type { Graph } from './graph.ts';

const TREES = 32;

/**
 * Divides the land into `count` parts that hang together and have about the same load: halves it
 * again and again, each time along the best edge of many random spanning trees, whose two sides
 * always hang together. The same land gives the same parts. Answers the part of each node.
 */
export async function cutIntoParts(graph: Graph, count: number): Promise<Int32Array> {
  const part = new Int32Array(graph.cells.length);
  const random = randomOf(1);
  // What each halving may be off, so that all of them together stay within the limit.
  const tolerance = 0.12 / Math.max(1, Math.ceil(Math.log2(count)));
  let partCount = 0;
  const work: Piece[] = [{ nodes: [...part.keys()], count }];
  for (let piece = work.pop(); piece !== undefined; piece = work.pop()) {
    if (piece.count === 1) {
      for (const node of piece.nodes) part[node] = partCount;
      partCount++;
    } else {
      work.push(...(await halve(graph, piece, { random, tolerance })));
    }
  }
  return part;
}

async function halve(graph: Graph, piece: Piece, { random, tolerance }: Halving): Promise<Piece[]> {
  const counts = [Math.floor(piece.count / 2), Math.ceil(piece.count / 2)] as const;
  const local = new Map(piece.nodes.map((node, i) => [node, i]));
  const edges = piece.nodes.flatMap((node, from) =>
    (graph.neighbours[node] ?? []).flatMap((other) => {
      const to = local.get(other);
      return to !== undefined && to > from ? [[from, to] as const] : [];
    }),
  );
  const loads = piece.nodes.map((node) => graph.loads[node] ?? 0);
  const others = turns();
  let best: Cut | undefined;
  for (let i = 0; i < TREES; i++) {
    const cut = cutTree(spanningTree(edges, loads.length, random), { loads, counts });
    if (cut === undefined) continue;
    const length = edges.filter(([a, b]) => cut.side[a] !== cut.side[b]).length;
    const candidate = { ...cut, length };
    if (best === undefined || isBetter(candidate, best, tolerance)) best = candidate;
    await others();
  }
  // A piece has at least as many cells as parts, so that one cell can always be cut off.
  if (best === undefined) throw new Error('no cut of a spanning tree was found');
  const { side } = best;
  return counts.map((count, s) => ({ count, nodes: piece.nodes.filter((_, i) => side[i] === s) }));
}

/** Of cuts that are balanced enough the shortest, whose parts are the most compact. */
function isBetter(a: Cut, b: Cut, tolerance: number): boolean {
  const [good, alsoGood] = [a.error <= tolerance, b.error <= tolerance];
  if (good && alsoGood) return a.length < b.length;
  return good || (!alsoGood && a.error < b.error);
}

/** The neighbours of each node in a random spanning tree (Kruskal over shuffled edges). */
function spanningTree(edges: readonly Edge[], nodeCount: number, random: () => number): number[][] {
  const order = edges.slice();
  const root = Int32Array.from({ length: nodeCount }, (_, i) => i);
  const find = (node: number): number => {
    let top = node;
    while (root[top] !== top) {
      root[top] = root[root[top] as number] as number;
      top = root[top] as number;
    }
    return top;
  };
  const tree: number[][] = Array.from({ length: nodeCount }, () => []);
  for (let i = order.length - 1; i >= 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const edge = order[j] as Edge;
    order[j] = order[i] as Edge;
    const [a, b] = [find(edge[0]), find(edge[1])];
    if (a === b) continue;
    root[a] = b;
    tree[edge[0]]?.push(edge[1]);
    tree[edge[1]]?.push(edge[0]);
  }
  return tree;
}

/** The edge of a tree that leaves both sides nearest to their share; undefined if none can. */
function cutTree(tree: readonly number[][], { loads, counts }: Shares): Cut | undefined {
  const { order, parent } = walkFrom(tree, 0);
  const load = Float64Array.from(loads);
  const size = new Int32Array(tree.length).fill(1);
  for (let i = order.length - 1; i > 0; i--) {
    const node = order[i] as number;
    const above = parent[node] as number;
    load[above] = (load[above] as number) + (load[node] as number);
    size[above] = (size[above] as number) + (size[node] as number);
  }
  const total = load[0] as number;
  const mean = total / (counts[0] + counts[1]);
  let best = { node: -1, below: 0, error: Infinity };
  for (const node of order.slice(1)) {
    for (const below of [0, 1] as const) {
      const [own, rest] = [counts[below], counts[1 - below] as number];
      // Every part needs a cell.
      if ((size[node] as number) < own || tree.length - (size[node] as number) < rest) continue;
      const inside = (load[node] as number) / (own * mean);
      const outside = (total - (load[node] as number)) / (rest * mean);
      const error = Math.max(inside, outside) - 1;
      if (error < best.error) best = { node, below, error };
    }
  }
  if (best.node < 0) return undefined;
  const side = new Uint8Array(tree.length).fill(1 - best.below);
  const inside = [best.node];
  for (let node = inside.pop(); node !== undefined; node = inside.pop()) {
    side[node] = best.below;
    for (const next of tree[node] ?? []) if (next !== parent[node]) inside.push(next);
  }
  return { side, error: best.error, length: 0 };
}

/** The nodes, each after its parent. */
function walkFrom(tree: readonly number[][], start: number) {
  const parent = new Int32Array(tree.length).fill(-1);
  const order = [start];
  for (let i = 0; i < order.length; i++) {
    const node = order[i] as number;
    for (const next of tree[node] ?? []) {
      if (next === parent[node]) continue;
      parent[next] = node;
      order.push(next);
    }
  }
  return { order, parent };
}

/** mulberry32: numbers from 0 to 1, the same for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type Piece = { nodes: number[]; count: number };
type Edge = readonly [number, number];
type Halving = { random: () => number; tolerance: number };
type Shares = { loads: readonly number[]; counts: readonly [number, number] };
type Cut = { side: Uint8Array; error: number; length: number };
