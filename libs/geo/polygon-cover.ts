import {
  cellToChildren,
  cellToLatLng,
  getHexagonEdgeLengthAvg,
  getRes0Cells,
  getResolution,
  UNITS,
} from 'h3-js';
import { turns } from '#libs/run';
import { FINEST_RESOLUTION } from './cell.ts';
import { COARSEST_RESOLUTION, type Polygon } from './cover.ts';

/**
 * The land whose cells of resolution 9 have their centre in one of the polygons, compacted and in
 * order. Goes from coarse cells to fine ones and looks closer only where a border passes. Others
 * have their turn in between; a border of 10,000 corners around 60,000 cells took H3 itself 8 s.
 */
export async function coverOf(polygons: readonly Polygon[]): Promise<string[]> {
  const shapes = polygons.map(shapeOf);
  const filling: Filling = { shapes, cells: [], others: turns() };
  const sides = shapes.flatMap((shape) => shape.sides);
  for (const cell of getRes0Cells()) await fill(filling, cell, sides);
  return filling.cells.sort();
}

/** Whether all of the cell is land; if only a part of it is, that is added. */
async function fill(filling: Filling, cell: string, sides: readonly Side[]): Promise<boolean> {
  await filling.others();
  const [y, x] = cellToLatLng(cell);
  const resolution = getResolution(cell);
  const isIn = () => filling.shapes.some((shape) => isInside(shape, x, y));
  if (resolution === FINEST_RESOLUTION) return isIn();
  const box = boxAround(x, y, resolution);
  const near = sides.filter((side) => meets(side, box));
  // Without a border near, all of the cell is as its centre is.
  if (near.length === 0 && (resolution >= COARSEST_RESOLUTION || !isIn())) return isIn();
  const children = cellToChildren(cell, resolution + 1);
  const whole: string[] = [];
  for (const child of children) if (await fill(filling, child, near)) whole.push(child);
  if (whole.length === children.length && resolution >= COARSEST_RESOLUTION) return true;
  filling.cells.push(...whole);
  return false;
}

/** In degrees, around the centres of all cells of resolution 9 that belong to a cell. */
function boxAround(x: number, y: number, resolution: number): Box {
  const height = (REACH * getHexagonEdgeLengthAvg(resolution, UNITS.km)) / KM_A_DEGREE;
  const farthest = Math.abs(y) + height;
  const width = height / Math.cos((farthest * Math.PI) / 180);
  const [minX, maxX] = [x - width, x + width];
  // Around a pole or over the date line: whatever lies at this latitude.
  const isRound = farthest > 85 || minX < -180 || maxX > 180;
  const [minY, maxY] = [y - height, y + height];
  return isRound ? { minX: -180, maxX: 180, minY, maxY } : { minX, maxX, minY, maxY };
}

function meets({ ax, ay, bx, by, minX, maxX }: Side, box: Box): boolean {
  if (maxX < box.minX || minX > box.maxX || by < box.minY || ay > box.maxY) return false;
  const left = (x: number, y: number) => (bx - ax) * (y - ay) > (by - ay) * (x - ax);
  const isLeft = left(box.minX, box.minY);
  return (
    isLeft !== left(box.maxX, box.minY) ||
    isLeft !== left(box.minX, box.maxY) ||
    isLeft !== left(box.maxX, box.maxY)
  );
}

/** By the number of sides that lie east of the point. */
function isInside({ bands, minY, bandHeight }: Shape, x: number, y: number): boolean {
  let isIn = false;
  for (const { ax, ay, bx, by } of bands[Math.floor((y - minY) / bandHeight)] ?? []) {
    if (ay > y === by > y) continue;
    if (x < ((bx - ax) * (y - ay)) / (by - ay) + ax) isIn = !isIn;
  }
  return isIn;
}

function shapeOf(polygon: Polygon): Shape {
  const sides = polygon.flatMap((ring) =>
    ring.slice(1).map((to, i) => {
      const from = ring[i] as typeof to;
      // From south to north whichever way the ring runs: neighbours reckon alike.
      const [a, b] = from.latitudeDeg <= to.latitudeDeg ? [from, to] : [to, from];
      const [ax, bx] = [a.longitudeDeg, b.longitudeDeg];
      const [minX, maxX] = [Math.min(ax, bx), Math.max(ax, bx)];
      return { ax, ay: a.latitudeDeg, bx, by: b.latitudeDeg, minX, maxX };
    }),
  );
  const minY = sides.reduce((min, { ay }) => Math.min(min, ay), Infinity);
  const maxY = sides.reduce((max, { by }) => Math.max(max, by), -Infinity);
  const bandHeight = (maxY - minY) / BANDS || 1;
  const bands: Side[][] = Array.from({ length: BANDS + 1 }, () => []);
  for (const side of sides) {
    const last = Math.floor((side.by - minY) / bandHeight);
    for (let i = Math.floor((side.ay - minY) / bandHeight); i <= last; i++) bands[i]?.push(side);
  }
  return { sides, bands, minY, bandHeight };
}

/**
 * How far the centre of a cell of resolution 9 lies from that of a cell that it belongs to, in
 * average edges of the latter: up to 1.14, so it was found all over the world.
 */
const REACH = 1.25;
const KM_A_DEGREE = (6_371.0088 * Math.PI) / 180;
/** A side is in few of them, a point in one. */
const BANDS = 64;

type Box = { minX: number; maxX: number; minY: number; maxY: number };
/** In degrees, a not north of b. */
type Side = { ax: number; ay: number; bx: number; by: number; minX: number; maxX: number };
type Shape = {
  sides: Side[];
  /** The sides by latitude. */
  bands: Side[][];
  minY: number;
  bandHeight: number;
};
type Filling = {
  shapes: readonly Shape[];
  cells: string[];
  others: ReturnType<typeof turns>;
};
