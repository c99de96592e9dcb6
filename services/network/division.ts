import { addressText, divisionCode, divisions, parseAddress } from '#libs/address';

/**
 * Whether this is the code of a province, city, county or street, of 2, 4, 6 or 9 digits: those of
 * `libs/address`. Each begins with that of what it lies in.
 */
export function isDivisionCode(code: string): boolean {
  const level = LENGTHS.indexOf(code.length);
  if (level < 0) return false;
  const known = divisions();
  const node = known.find(code.padEnd(6, '0'));
  if (node === undefined) return false;
  // What stands for the county of a city without counties has the code of the city.
  const isAlsoCounty = known.codeOf(node + 1) === code && known.level(node + 1) === level;
  return known.level(node) === level || isAlsoCounty;
}

/** The code and those of all that it lies in, the narrowest first. */
export function divisionsAround(code: string): string[] {
  return LENGTHS.toReversed()
    .filter((length) => length <= code.length)
    .map((length) => code.slice(0, length));
}

/**
 * The code of the narrowest division that the names determine, read as people write them: short,
 * old and missing names are understood, and names that contradict one another determine nothing.
 */
export function divisionByNames(names: DivisionNames): string {
  return divisionCode(parseAddress(addressText(names)));
}

/** Digits of a province, city, county and street. */
const LENGTHS: readonly number[] = [2, 4, 6, 9];

export type DivisionNames = { province: string; city: string; district: string; street: string };
