import { cellToLatLng } from 'h3-js';
import { turns } from '#libs/run';

/**
 * The nearest of many cells to another, by the straight line between their centres (a k-d tree over
 * the sphere). Built with turns for others between; there is at least one cell.
 */
export async function nearestOf(
  cells: readonly string[],
  others = turns(),
): Promise<(cell: string) => Nearest> {
  const points = new Float64Array(3 * cells.length);
  for (let i = 0; i < cells.length; i++) {
    points.set(pointOf(cells[i] as string), 3 * i);
    await others();
  }
  const order = Int32Array.from(cells, (_, i) => i);
  const work: Range[] = [{ low: 0, high: cells.length - 1, axis: 0 }];
  for (let range = work.pop(); range !== undefined; range = work.pop()) {
    const { low, high, axis } = range;
    if (low >= high) continue;
    const middle = (low + high) >> 1;
    select(points, order, range);
    const next = (axis + 1) % 3;
    work.push({ low, high: middle - 1, axis: next }, { low: middle + 1, high, axis: next });
    await others();
  }
  return (cell) => {
    const best = { at: -1, distance: Infinity };
    search({ points, order, target: pointOf(cell), best }, 0, cells.length - 1, 0);
    return { cell: cells[best.at] as string, distance: best.distance };
  };
}

/** Puts the middle one along the axis into the middle, smaller ones before it, larger after. */
function select(points: Float64Array, order: Int32Array, { low, high, axis }: Range): void {
  const middle = (low + high) >> 1;
  const at = (i: number) => points[3 * (order[i] as number) + axis] as number;
  let [from, to] = [low, high];
  while (from < to) {
    const pivot = at((from + to) >> 1);
    let [i, j] = [from, to];
    while (i <= j) {
      while (at(i) < pivot) i++;
      while (at(j) > pivot) j--;
      if (i > j) break;
      const swapped = order[i] as number;
      order[i++] = order[j] as number;
      order[j--] = swapped;
    }
    if (middle <= j) to = j;
    else if (middle >= i) from = i;
    else return;
  }
}

function search(tree: Tree, low: number, high: number, axis: number): void {
  if (low > high) return;
  const { points, order, target, best } = tree;
  const middle = (low + high) >> 1;
  const at = order[middle] as number;
  let distance = 0;
  for (let d = 0; d < 3; d++) {
    distance += ((points[3 * at + d] as number) - (target[d] as number)) ** 2;
  }
  if (distance < best.distance) {
    best.at = at;
    best.distance = distance;
  }
  const gap = (target[axis] as number) - (points[3 * at + axis] as number);
  const next = (axis + 1) % 3;
  const [near, far] = [[low, middle - 1] as const, [middle + 1, high] as const];
  const [first, second] = gap < 0 ? [near, far] : [far, near];
  search(tree, ...first, next);
  if (gap ** 2 < best.distance) search(tree, ...second, next);
}

function pointOf(cell: string): readonly [number, number, number] {
  const [latitude, longitude] = cellToLatLng(cell).map((degrees) => (degrees * Math.PI) / 180) as [
    number,
    number,
  ];
  const radius = Math.cos(latitude);
  return [radius * Math.cos(longitude), radius * Math.sin(longitude), Math.sin(latitude)];
}

/** The distance is good for comparing alone. */
export type Nearest = { cell: string; distance: number };
type Range = { low: number; high: number; axis: number };
type Tree = {
  points: Float64Array;
  order: Int32Array;
  target: readonly number[];
  best: { at: number; distance: number };
};
