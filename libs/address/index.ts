// What a Chinese address says: divisions with their codes, road, number, name and phone, out of
// free text. Pure and offline; the divisions come from npm packages. Finds no house on a map and
// keeps nothing.
export { type Divisions, divisions } from './divisions.ts';
export { FORMER_NAMES } from './former-names.ts';
export { normalizeAddress } from './normalize.ts';
export { parseAddress } from './parse.ts';
export type { Guess, GuessReason, ParsedAddress, Precision } from './parsed-address.ts';
