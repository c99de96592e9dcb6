import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import { Check } from './check.ts';
import { isCheckDigitRight } from './range.ts';

/** I5: every check digit is right. A number of no range is another check's matter. */
export class CheckDigit {
  readonly check = new Check('check-digit');

  examine(number: string, range: NumberRange | undefined): void {
    if (range === undefined) return;
    this.check.examine(isCheckDigitRight(range, number) ? undefined : number);
  }
}
