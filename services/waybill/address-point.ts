import {
  type AddressKey,
  type AddressPoint,
  addressKeys,
  FIX_COUNT_MIN,
  knownPoint,
  type LearnedPoint,
  learnedPoint,
  type ParsedAddress,
} from '#libs/address';
import type { LatLng } from '#libs/geo';
import { mapInTurns } from '#libs/run';
import type { Deps } from './deps.ts';
import { type KeyFixesRow, selectFixes } from './store/address-fix.ts';

/**
 * The best point of each address that Queqiao knows: what deliveries have taught of its house, else
 * of its road, else of its street, else the gazetteer's point of the division. Undefined where no
 * division is known or none has a point. However many there are, the database is asked once.
 */
export async function pointsOf(
  deps: PointDeps,
  addresses: readonly ParsedAddress[],
): Promise<(AddressPoint | undefined)[]> {
  const learned = await learnedPointsOf(deps, addresses);
  return addresses.map((address, i) => knownPoint(address, learned[i]));
}

/** What deliveries have taught alone: undefined where they have taught nothing. */
export async function learnedPointsOf(
  { pool, dataKeys }: PointDeps,
  addresses: readonly ParsedAddress[],
): Promise<(LearnedPoint | undefined)[]> {
  const hashes = await dataKeys.knownAddressHashes();
  if (hashes === undefined) return addresses.map(() => undefined);
  const keys = new Map<string, Buffer>();
  const keysOf = await mapInTurns(addresses, (address) => {
    const own = addressKeys(address);
    for (const { key } of own) if (!keys.has(key)) keys.set(key, hashes.keyOf(key));
    return own;
  });
  if (keys.size === 0) return addresses.map(() => undefined);
  const rows = await selectFixes(pool, [...keys.values()], FIX_COUNT_MIN);
  const fixes = new Map(rows.map((row) => [row.key.toString('hex'), row]));
  // Streets are shared by many.
  const points = new Map<string, LearnedPoint | undefined>();
  const pointOf = ({ key, basis }: AddressKey) => {
    if (!points.has(key)) {
      const row = fixes.get((keys.get(key) as Buffer).toString('hex'));
      points.set(key, row && learnedPoint(basis, fixesOf(row)));
    }
    return points.get(key);
  };
  return await mapInTurns(keysOf, (own) => {
    for (const key of own) {
      const point = pointOf(key);
      if (point !== undefined) return point;
    }
    return undefined;
  });
}

/** A coordinate as the database holds it: about a metre. */
export function toE5(degrees: number): number {
  return Math.round(degrees * E5);
}

function fixesOf({ latitudes_e5, longitudes_e5 }: KeyFixesRow): LatLng[] {
  return latitudes_e5.map((latitude, i) => ({
    latitudeDeg: latitude / E5,
    longitudeDeg: (longitudes_e5[i] as number) / E5,
  }));
}

const E5 = 100_000;

export type PointDeps = Pick<Deps, 'pool' | 'dataKeys'>;
