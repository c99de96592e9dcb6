import {
  type NumberRange,
  NumberRange_CheckDigitScheme,
} from '#proto/queqiao/network/v1/number_range';

/** The parts of a number range that decide how its numbers look. */
export type NumberFormat = Pick<
  NumberRange,
  'prefix' | 'serialWidth' | 'checkDigitScheme' | 'suffix'
>;

/** The waybill number of one serial: prefix + padded serial + check digit + suffix. */
export function formatNumber(format: NumberFormat, serial: bigint): string {
  const body = format.prefix + serial.toString().padStart(format.serialWidth, '0');
  return body + checkDigit(format.checkDigitScheme, body) + format.suffix;
}

/**
 * Lowest and highest text that a number of these serials can be, whatever its check digit: two
 * leases whose spans do not meet can never give the same number.
 */
export function numberSpan(format: NumberFormat, first: bigint, last: bigint): NumberSpan {
  const hasDigit = format.checkDigitScheme !== NumberRange_CheckDigitScheme.NONE;
  const bound = (serial: bigint, digit: string) =>
    format.prefix +
    serial.toString().padStart(format.serialWidth, '0') +
    (hasDigit ? digit : '') +
    format.suffix;
  return { low: bound(first, '0'), high: bound(last, '9') };
}

/**
 * Check digit over the decimal digits of `body`; letters do not count. Empty for NONE.
 * Rules and vectors: ISO/IEC 7064 MOD 11,10; GS1 General Specifications 7.9; UPU S10.
 */
export function checkDigit(scheme: NumberRange_CheckDigitScheme, body: string): string {
  switch (scheme) {
    case NumberRange_CheckDigitScheme.NONE:
      return '';
    case NumberRange_CheckDigitScheme.ISO7064_MOD11_10:
      return String(iso7064Mod11And10(body));
    case NumberRange_CheckDigitScheme.GS1_MOD10:
      return String(gs1Mod10(body));
    case NumberRange_CheckDigitScheme.UPU_S10:
      return String(upuS10(body));
    default:
      throw new Error(`check digit scheme ${scheme} is not known`);
  }
}

function iso7064Mod11And10(body: string): number {
  let product = 10;
  for (let i = 0; i < body.length; i++) {
    const digit = digitAt(body, i);
    if (digit < 0) continue;
    const sum = (product + digit) % 10 || 10;
    product = (2 * sum) % 11;
  }
  return (11 - product) % 10;
}

function gs1Mod10(body: string): number {
  let sum = 0;
  let weight = 3;
  for (let i = body.length - 1; i >= 0; i--) {
    const digit = digitAt(body, i);
    if (digit < 0) continue;
    sum += weight * digit;
    weight = 4 - weight;
  }
  return (10 - (sum % 10)) % 10;
}

const S10_WEIGHTS = [8, 6, 4, 2, 3, 5, 9, 7];

function upuS10(body: string): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < body.length; i++) {
    const digit = digitAt(body, i);
    if (digit < 0) continue;
    sum += (S10_WEIGHTS[count++] ?? 0) * digit;
  }
  const check = 11 - (sum % 11);
  // The standard folds the two remainders that have no digit of their own.
  if (check === 10) return 0;
  return check === 11 ? 5 : check;
}

/** -1 for a character that is no decimal digit. */
function digitAt(text: string, index: number): number {
  const digit = text.charCodeAt(index) - 48;
  return digit >= 0 && digit <= 9 ? digit : -1;
}

export type NumberSpan = { low: string; high: string };
