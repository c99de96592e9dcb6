import { cellToLatLng } from 'h3-js';
import { neighboursOf } from '#libs/geo';

/**
 * Cells as nodes 0 … n-1, joined where they have a side in common. Land in several pieces is made
 * one by the shortest bridges between them, so that every part of it can be reached.
 */
export type Graph = {
  readonly cells: readonly string[];
  readonly loads: Float64Array;
  readonly neighbours: readonly (readonly number[])[];
};

/** All loads 1 if there is none. */
export function graphOf(cells: readonly string[], loadOf: ReadonlyMap<string, number>): Graph {
  const index = new Map(cells.map((cell, i) => [cell, i]));
  const neighbours = cells.map((cell) =>
    neighboursOf(cell).flatMap((other) => index.get(other) ?? []),
  );
  bridge(cells, neighbours);
  const loads = Float64Array.from(cells, (cell) => loadOf.get(cell) ?? 0);
  return { cells, loads: loads.some((load) => load > 0) ? loads : loads.fill(1), neighbours };
}

/** The nodes in pieces that hang together within `isIn`, by the neighbours alone. */
export function piecesOf(
  neighbours: Graph['neighbours'],
  nodes: readonly number[],
  isIn: (node: number) => boolean,
): number[][] {
  const seen = new Set<number>();
  const pieces: number[][] = [];
  for (const start of nodes) {
    if (seen.has(start)) continue;
    const piece = [start];
    seen.add(start);
    for (let i = 0; i < piece.length; i++) {
      for (const next of neighbours[piece[i] as number] ?? []) {
        if (!isIn(next) || seen.has(next)) continue;
        seen.add(next);
        piece.push(next);
      }
    }
    pieces.push(piece);
  }
  return pieces;
}

/** Joins each piece with the nearest cell outside of it until there is one piece. */
function bridge(cells: readonly string[], neighbours: number[][]): void {
  const points = cells.map((cell) => {
    const [latitude, longitude] = cellToLatLng(cell);
    return [latitude, longitude * Math.cos((latitude * Math.PI) / 180)] as const;
  });
  const all = cells.map((_, i) => i);
  for (;;) {
    const pieces = piecesOf(neighbours, all, () => true);
    if (pieces.length < 2) return;
    pieces.sort((a, b) => a.length - b.length);
    // The largest waits for the others.
    for (const piece of pieces.slice(0, -1)) {
      const [from, to] = nearest(points, piece);
      if (neighbours[from]?.includes(to)) continue;
      neighbours[from]?.push(to);
      neighbours[to]?.push(from);
    }
  }
}

function nearest(points: readonly Point[], piece: readonly number[]): [number, number] {
  const own = new Set(piece);
  let best: [number, number] = [0, 0];
  let bestDistance = Infinity;
  for (const from of piece) {
    const [y, x] = points[from] as Point;
    for (let to = 0; to < points.length; to++) {
      const [otherY, otherX] = points[to] as Point;
      const distance = (y - otherY) ** 2 + (x - otherX) ** 2;
      if (distance < bestDistance && !own.has(to)) {
        bestDistance = distance;
        best = [from, to];
      }
    }
  }
  return best;
}

type Point = readonly [number, number];
