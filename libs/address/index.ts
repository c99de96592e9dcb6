// What a Chinese address says: divisions with their codes, road, number, name and phone, out of
// free text; and a point for it. Offline; the divisions come from npm packages. Keeps nothing on
// disk, and knows no provider of its own.
export { type AddressPoint, knownPoint, locateAddress } from './address-point.ts';
export { type Divisions, divisions } from './divisions.ts';
export { FORMER_NAMES } from './former-names.ts';
export { type GazetteerPoint, gazetteerPoint, nearestDivision } from './gazetteer.ts';
export {
  type AddressKey,
  addressKeys,
  FAR_KM,
  FIX_COUNT_MAX,
  FIX_COUNT_MIN,
  isFarOff,
  type LearnedPoint,
  learnedPoint,
} from './learned-points.ts';
export { normalizeAddress } from './normalize.ts';
export { parseAddress } from './parse.ts';
export type { Guess, GuessReason, ParsedAddress, Place, Precision } from './parsed-address.ts';
export { addressText, divisionCode, placeOf } from './place.ts';
export { type AddressProvider, cachedProvider } from './provider.ts';
