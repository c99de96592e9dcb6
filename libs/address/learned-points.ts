import { LRUCache } from 'lru-cache';
import { distanceM, type LatLng } from '#libs/geo';
import { gazetteerPoint, median, middleOf } from './gazetteer.ts';
import type { ParsedAddress } from './parsed-address.ts';

/**
 * Where addresses are, learnt from confirmed deliveries: the median of the last fixes at the same
 * house, else on the same road, else in the same street, so that one courier who signs parcels off
 * at home moves nothing. In memory; names and telephone numbers are no part of it.
 */
export class LearnedPoints {
  readonly #fixes: LRUCache<string, LatLng[]>;

  constructor({ keyCountMax = 200_000 }: { keyCountMax?: number } = {}) {
    this.#fixes = new LRUCache({ max: keyCountMax });
  }

  /**
   * Takes a fix of a delivery to the door. Answers false for one that cannot be: far from the
   * county, as a point in another datum or of another country is, or without a county.
   */
  learn(address: ParsedAddress, fix: LatLng): boolean {
    const keys = keysOf(address);
    if (keys.length === 0 || isFarOff(address, fix)) return false;
    for (const { key } of keys) {
      const fixes = this.#fixes.get(key) ?? [];
      fixes.push(fix);
      if (fixes.length > FIX_COUNT_MAX) fixes.shift();
      this.#fixes.set(key, fixes);
    }
    return true;
  }

  /** The finest point that enough fixes agree on. */
  point(address: ParsedAddress): LearnedPoint | undefined {
    for (const { key, basis } of keysOf(address)) {
      const fixes = this.#fixes.get(key);
      if (fixes === undefined || fixes.length < FIX_COUNT_MIN) continue;
      const middle = middleOf(fixes);
      const radiusM = Math.round(median(fixes.map((fix) => distanceM(fix, middle))));
      return { ...middle, basis, radiusM, fixCount: fixes.length };
    }
    return undefined;
  }
}

/** Whether a point is too far from where the divisions are to be a point of this address. */
export function isFarOff(address: ParsedAddress, point: LatLng): boolean {
  const known = gazetteerPoint(address);
  return known !== undefined && distanceM(known, point) > FAR_M;
}

/** From the house to the street. */
function keysOf(address: ParsedAddress): { key: string; basis: LearnedPoint['basis'] }[] {
  const { countyCode, streetCode, road, number, building } = address;
  if (countyCode === '') return [];
  const area = streetCode || countyCode;
  const keys: { key: string; basis: LearnedPoint['basis'] }[] = [];
  if (road !== '' && number !== '') keys.push({ key: [area, road, number].join(), basis: 'house' });
  else if (building !== '' && address.rest !== '') {
    keys.push({ key: [area, address.rest, building].join(), basis: 'house' });
  }
  if (road !== '') keys.push({ key: [area, road].join(), basis: 'road' });
  if (streetCode !== '') keys.push({ key: streetCode, basis: 'street' });
  return keys;
}

/** One fix may be wrong, and two may differ without a way to tell which is. */
const FIX_COUNT_MIN = 3;
const FIX_COUNT_MAX = 25;
/** Larger than most counties, smaller than the way to a wrong one. */
const FAR_M = 150_000;

export type LearnedPoint = LatLng & {
  basis: 'house' | 'road' | 'street';
  /** Half of the fixes lie within. */
  radiusM: number;
  fixCount: number;
};
