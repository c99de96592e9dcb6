import { create } from '@bufbuild/protobuf';
import { cellToChildren, cellToParent, getResolution } from 'h3-js';
import { COARSEST_RESOLUTION, countOf } from '#libs/geo';
import { turns } from '#libs/run';
import { type Overlap, OverlapSchema } from '#proto/queqiao/network/v1/coverage';
import { divisionsAround } from './division.ts';
import type { CoverageRow } from './store.ts';

const OVERLAPS_MAX = 1_000;
const GAPS_MAX = 1_000;
const SAMPLE_MAX = 20;

/** What two territories both claim, and what of the service areas none does. */
export async function coverageOf(rows: readonly CoverageRow[]): Promise<Coverage> {
  const isService = ({ kind }: CoverageRow) => kind === 'service';
  const claims = await claimsOf(rows.filter((row) => !isService(row)));
  const gaps = await gapsIn(rows.filter(isService), claims);
  return { overlaps: await overlapsIn(claims), ...gaps };
}

/** Who claims each cell and division, and what lies above what is claimed. */
async function claimsOf(rows: readonly CoverageRow[]): Promise<Claims> {
  const others = turns();
  const owners = new Map<string, Set<string>>();
  const above = new Set<string>();
  for (const { area_id, cell, division_code } of rows) {
    const key = cell ?? division_code ?? '';
    const known = owners.get(key);
    // The routes of a territory may divide what it claims, never claim it twice.
    if (known === undefined) owners.set(key, new Set([area_id]));
    else known.add(area_id);
    for (const wide of around(key).slice(1)) above.add(wide);
    await others();
  }
  return { owners, above };
}

/** Of land within land the inner one is what both claim. */
async function overlapsIn({ owners }: Claims): Promise<Overlap[]> {
  const others = turns();
  const overlaps = new Map<string, Overlap>();
  for (const [key, inner] of owners) {
    await others();
    const all = new Set(around(key).flatMap((wide) => [...(owners.get(wide) ?? [])]));
    if (all.size < 2) continue;
    const ids = [...all].sort();
    for (const [i, areaId] of ids.entries()) {
      for (const otherAreaId of ids.slice(i + 1)) {
        // Where neither owns the inner land, a wider piece has been counted or will be.
        if (!inner.has(areaId) && !inner.has(otherAreaId)) continue;
        note(overlaps, { areaId, otherAreaId }, key);
      }
    }
  }
  return [...overlaps.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, OVERLAPS_MAX)
    .map(([, overlap]) => overlap);
}

function note(
  overlaps: Map<string, Overlap>,
  ids: { areaId: string; otherAreaId: string },
  key: string,
): void {
  const pair = `${ids.areaId} ${ids.otherAreaId}`;
  const overlap = overlaps.get(pair) ?? create(OverlapSchema, ids);
  overlaps.set(pair, overlap);
  if (isCell(key)) overlap.cellCount += BigInt(countOf([key]));
  const sample = isCell(key) ? overlap.cells : overlap.divisionCodes;
  if (sample.length < SAMPLE_MAX) sample.push(key);
}

async function gapsIn(
  rows: readonly CoverageRow[],
  { owners, above }: Claims,
): Promise<Omit<Coverage, 'overlaps'>> {
  const keys = [...new Set(rows.map(({ cell, division_code }) => cell ?? division_code ?? ''))];
  const given = new Set(keys);
  // What lies within another service area's land is looked at there.
  const work = keys.filter((key) => {
    const [, ...wider] = around(key);
    return !wider.some((wide) => given.has(wide) || owners.has(wide));
  });
  const others = turns();
  const gapCells: string[] = [];
  const gapDivisionCodes: string[] = [];
  let count = 0;
  for (let key = work.pop(); key !== undefined; key = work.pop()) {
    await others();
    // Nothing around it is claimed, or it would not have been looked into.
    if (owners.has(key)) continue;
    if (!isCell(key)) {
      if (!above.has(key)) gapDivisionCodes.push(key);
    } else if (above.has(key)) {
      work.push(...cellToChildren(key, getResolution(key) + 1));
    } else {
      count += countOf([key]);
      gapCells.push(key);
    }
  }
  return {
    gapCellCount: BigInt(count),
    gapCells: gapCells.sort().slice(0, GAPS_MAX),
    gapDivisionCodes: gapDivisionCodes.sort().slice(0, GAPS_MAX),
  };
}

/** The cell or division and all that it lies in, itself first. */
function around(key: string): string[] {
  if (!isCell(key)) return divisionsAround(key);
  const cells = [key];
  for (let r = getResolution(key) - 1; r >= COARSEST_RESOLUTION; r--)
    cells.push(cellToParent(key, r));
  return cells;
}

function isCell(key: string): boolean {
  return key.length > 9;
}

type Claims = { owners: ReadonlyMap<string, Set<string>>; above: ReadonlySet<string> };
export type Coverage = {
  overlaps: Overlap[];
  gapCellCount: bigint;
  gapCells: string[];
  gapDivisionCodes: string[];
};
