import { divisions, nearestDivision } from '#libs/address';
import { invalid } from '#libs/errors';
import { middleOf } from '#libs/geo';
import type { Land } from './area.ts';

/**
 * The code of the sorting centre for land whose courier names none: that of the city, as parcels
 * for one city travel together. Land of divisions lies in the city that most of it is in, land of
 * cells alone in the city of the place next to its middle.
 */
export function hubOf({ cells, divisionCodes }: Land): string {
  if (divisionCodes.length > 0) return hubOfDivisions(divisionCodes);
  const { code, distanceM } = nearestDivision(middleOf(cells));
  // Out at sea or abroad no city is meant.
  if (distanceM > AWAY_MAX_M) throw invalid('area.hub_code', 'REQUIRED');
  return cityOf(code);
}

function hubOfDivisions(codes: readonly string[]): string {
  const known = divisions();
  const countOf = new Map<string, number>();
  for (const code of codes) {
    const node = known.find(code.padEnd(6, '0'));
    // With all that is below it; the codes without names on the map count once.
    const count = node === undefined ? 1 : known.last(node) - node + 1;
    const city = cityOf(code);
    countOf.set(city, (countOf.get(city) ?? 0) + count);
  }
  const [[most] = ['']] = [...countOf].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return most;
}

/** Four digits of GB/T 2260; all six of a county that answers to its province. */
function cityOf(code: string): string {
  const province = code.slice(0, 2);
  if (code.length === 2 || IS_CITY.has(province)) return `${province}00`;
  return code.length > 4 && code.slice(2, 4) === '90' ? code.slice(0, 6) : code.slice(0, 4);
}

/** Provinces that are cities, and those whose divisions the standard does not list. */
const IS_CITY: ReadonlySet<string> = new Set(['11', '12', '31', '50', '71', '81', '82']);
const AWAY_MAX_M = 300_000;
