import { distanceM, type LatLng } from '#libs/geo';
import { gazetteerPoint, median, middleOf } from './gazetteer.ts';
import type { ParsedAddress } from './parsed-address.ts';

// Where addresses are, learnt from confirmed deliveries. Whoever keeps the fixes keeps them under
// the keys of their address; names and telephone numbers are no part of a key.

/** One fix may be wrong, and two may differ without a way to tell which is. */
export const FIX_COUNT_MIN = 3;
/** What counts of each key, the newest. */
export const FIX_COUNT_MAX = 25;
/** Larger than most counties, smaller than the way to a wrong one. */
export const FAR_KM = 150;

/**
 * Under what an address shares its fixes with others, from the house to the street: at most three,
 * and none without a county.
 */
export function addressKeys(address: ParsedAddress): AddressKey[] {
  const { countyCode, streetCode, road, number, building, rest } = address;
  if (countyCode === '') return [];
  const area = streetCode || countyCode;
  const keys: AddressKey[] = [];
  if (road !== '' && number !== '') keys.push(keyOf('house', area, road, number));
  else if (building !== '' && rest !== '') keys.push(keyOf('house', area, rest, building));
  if (road !== '') keys.push(keyOf('road', area, road));
  if (streetCode !== '') keys.push(keyOf('street', area));
  return keys;
}

/**
 * Whether a point is too far from where the divisions are to be a point of this address, as one in
 * another datum or of another country is. Where the gazetteer has no point, nothing is too far.
 */
export function isFarOff(address: ParsedAddress, point: LatLng): boolean {
  const known = gazetteerPoint(address);
  return known !== undefined && distanceM(known, point) > FAR_KM * 1_000;
}

/**
 * The point that enough fixes of one key agree on, given the newest first: the median of each
 * coordinate, so that one courier who signs parcels off at home moves nothing.
 */
export function learnedPoint(
  basis: AddressKey['basis'],
  fixes: readonly LatLng[],
): LearnedPoint | undefined {
  if (fixes.length < FIX_COUNT_MIN) return undefined;
  const counted = fixes.slice(0, FIX_COUNT_MAX);
  const middle = middleOf(counted);
  const radiusM = Math.round(median(counted.map((fix) => distanceM(fix, middle))));
  return { ...middle, basis, radiusM, fixCount: counted.length };
}

function keyOf(basis: AddressKey['basis'], ...parts: string[]): AddressKey {
  return { basis, key: JSON.stringify([basis, ...parts]) };
}

export type AddressKey = { readonly basis: 'house' | 'road' | 'street'; readonly key: string };

export type LearnedPoint = LatLng & {
  basis: AddressKey['basis'];
  /** Half of the fixes lie within. */
  radiusM: number;
  fixCount: number;
};
