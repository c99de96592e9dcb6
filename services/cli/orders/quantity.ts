import { type FileProblem, fileProblem, type Place } from './problems.ts';

/**
 * A decimal text in whole smallest units, exactly: with 3 digits, "1.25" kg is 1250n g. Digits
 * beyond the unit are refused unless they are zeros, thousand separators and exponents always.
 */
export function toUnits(text: string, quantity: Quantity, place: Place): bigint {
  const fail = (problem: FileProblem, parameters = {}): never => {
    throw fileProblem(problem, place, parameters);
  };
  const { digits, min, max } = quantity;
  if (EXPONENT.test(text)) fail('EXCEL_NUMBER');
  if (THOUSANDS.test(text)) fail('THOUSANDS');
  const match = DECIMAL.exec(text);
  if (match === null) return fail('NOT_A_NUMBER', { example: digits > 0 ? '12.5' : '12' });
  const [, sign = '', whole = '', fraction = ''] = match;
  const kept = fraction.replace(/0+$/, '');
  if (kept.length > digits) fail('TOO_PRECISE', { digits });
  const units = BigInt(`${sign}${whole}${kept.padEnd(digits, '0')}`);
  if (units < BigInt(min) || units > BigInt(max)) {
    fail('OUT_OF_RANGE', {
      min: fromUnits(BigInt(min), digits),
      max: fromUnits(BigInt(max), digits),
    });
  }
  return units;
}

/** The shortest decimal text of a number of smallest units: 1250n with 3 digits is "1.25". */
export function fromUnits(units: bigint, digits: number): string {
  const sign = units < 0n ? '-' : '';
  const all = (units < 0n ? -units : units).toString().padStart(digits + 1, '0');
  const fraction = all.slice(all.length - digits).replace(/0+$/, '');
  const whole = all.slice(0, all.length - digits);
  return digits === 0 || fraction === '' ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

// Twenty digits are more than any quantity here needs, and keep BigInt cheap for hostile cells.
const DECIMAL = /^(-?)(\d{1,20})(?:\.(\d{0,20}))?$/;
const THOUSANDS = /^-?\d{1,3}(?:[,' ]\d{3})+(?:\.\d*)?$/;
const EXPONENT = /^-?\d+(?:\.\d+)?e\+?-?\d+$/i;

export type Quantity = {
  /** Digits of the smallest unit after the point of the text's unit: kg to g is 3. */
  digits: number;
  /** In smallest units. */
  min: number;
  max: number;
};
