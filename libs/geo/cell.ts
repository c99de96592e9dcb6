import assert from 'node:assert/strict';
import { cellToParent, getResolution, gridDisk, isValidCell, latLngToCell } from 'h3-js';
import { invalid } from '#libs/errors';
import type { LatLng } from './location.ts';

/** The finest resolution a point is indexed at; every coarser cell is a parent of that one. */
export const FINEST_RESOLUTION = 9;

/**
 * The H3 cell of a WGS-84 point as 15 hex digits, at resolution 0 to 15. A coarser cell is taken as
 * the parent of the r9 cell, so that one point never belongs to two territories; H3's own coarse
 * cell differs for points near an edge.
 */
export function cellOf(point: LatLng, resolution: number = FINEST_RESOLUTION): string {
  assertResolution(resolution);
  const { latitudeDeg, longitudeDeg } = point;
  assert(Number.isFinite(latitudeDeg) && Number.isFinite(longitudeDeg), 'a point needs numbers');
  if (resolution > FINEST_RESOLUTION) return latLngToCell(latitudeDeg, longitudeDeg, resolution);
  return parentCell(latLngToCell(latitudeDeg, longitudeDeg, FINEST_RESOLUTION), resolution);
}

/** The cell of a coarser (or the same) resolution that `cell` belongs to. */
export function parentCell(cell: string, resolution: number): string {
  assertResolution(resolution);
  const own = resolutionOf(cell);
  if (resolution > own) throw invalid('resolution', 'OUT_OF_RANGE', { min: 0, max: own });
  return own === resolution ? cell : cellToParent(cell, resolution);
}

/**
 * All cells at most `k` steps away, 0 to 50, `cell` itself first: 1 + 3 k (k + 1) of them, fewer
 * around one of H3's twelve pentagons.
 */
export function ring(cell: string, k: number): string[] {
  resolutionOf(cell);
  if (!(Number.isInteger(k) && k >= 0 && k <= 50)) {
    throw invalid('k', 'OUT_OF_RANGE', { min: 0, max: 50 });
  }
  return gridDisk(cell, k);
}

/** The resolution of a cell, 0 to 15; FIELD_INVALID if it is no cell. */
export function resolutionOf(cell: string): number {
  if (!/^[0-9a-f]{15}$/.test(cell) || !isValidCell(cell)) throw invalid('cell', 'UNKNOWN_VALUE');
  return getResolution(cell);
}

function assertResolution(resolution: number): void {
  if (!(Number.isInteger(resolution) && resolution >= 0 && resolution <= 15)) {
    throw invalid('resolution', 'OUT_OF_RANGE', { min: 0, max: 15 });
  }
}
