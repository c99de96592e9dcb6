import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import { checkDigit, type NumberFormat } from '../number.ts';

/** The serial of a number that has the range's form, whatever its check digit; else undefined. */
export function serialOf(format: NumberFormat, number: string): number | undefined {
  const { prefix, serialWidth, suffix } = format;
  const end = prefix.length + serialWidth;
  const digitCount = hasCheckDigit(format) ? 1 : 0;
  if (number.length !== end + digitCount + suffix.length) return undefined;
  if (!number.startsWith(prefix) || !number.endsWith(suffix)) return undefined;
  const digits = number.slice(prefix.length, end + digitCount);
  if (!/^\d+$/.test(digits)) return undefined;
  // At most 15 digits, which a Number holds exactly.
  return Number(digits.slice(0, serialWidth));
}

/** Whether a number of the range's form has the check digit that its other digits ask for. */
export function isCheckDigitRight(format: NumberFormat, number: string): boolean {
  const { prefix, serialWidth, suffix, checkDigitScheme } = format;
  const end = prefix.length + serialWidth;
  const digit = number.slice(end, number.length - suffix.length);
  return digit === checkDigit(checkDigitScheme, number.slice(0, end));
}

/** Whether the range has numbers with that serial. */
export function holdsSerial(range: NumberRange, serial: number): boolean {
  return serial >= Number(range.firstSerial) && serial <= Number(range.lastSerial);
}

function hasCheckDigit({ checkDigitScheme }: NumberFormat): boolean {
  return checkDigit(checkDigitScheme, '0') !== '';
}
