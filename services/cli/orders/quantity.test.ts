import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUnits, type Quantity, toUnits } from './quantity.ts';

const place = { field: 'weight_g', label: '重量' };
const KG: Quantity = { digits: 3, min: 0, max: 1_000_000 };

function problemOf(text: string, quantity: Quantity = KG): string | undefined {
  try {
    toUnits(text, quantity, place);
    return undefined;
  } catch (error) {
    return (error as { metadata: Record<string, string> }).metadata['problem'];
  }
}

describe('quantities', () => {
  it('gives back exactly what was written, for kg and yuan', () => {
    for (const quantity of [KG, { digits: 2, min: 0, max: 1_000_000_000 }]) {
      fc.assert(
        fc.property(fc.integer({ min: quantity.min, max: quantity.max }), (units) => {
          const text = fromUnits(BigInt(units), quantity.digits);
          expect(toUnits(text, quantity, place)).toBe(BigInt(units));
        }),
      );
    }
  });

  it('is exact where binary fractions are not', () => {
    expect(toUnits('1.005', KG, place)).toBe(1005n);
    expect(Math.trunc(1.005 * 1000)).not.toBe(1005);
    expect(toUnits('0.29', { digits: 2, min: 0, max: 100 }, place)).toBe(29n);
    expect(Math.trunc(0.29 * 100)).not.toBe(29);
  });

  it('allows zeros beyond the unit and refuses other digits', () => {
    expect(toUnits('1.5000', KG, place)).toBe(1500n);
    expect(problemOf('1.0005')).toBe('TOO_PRECISE');
    expect(problemOf('12.5', { digits: 0, min: 0, max: 100 })).toBe('TOO_PRECISE');
  });

  it('refuses thousand separators, exponents, words and numbers out of range', () => {
    expect(['1,000', '1,234.5', "1'000"].map((text) => problemOf(text))).toEqual(
      Array(3).fill('THOUSANDS'),
    );
    expect(problemOf('1E+3')).toBe('EXCEL_NUMBER');
    expect(['1kg', '¥5', '.5', '1,5', '1.2.3', '--1'].map((text) => problemOf(text))).toEqual(
      Array(6).fill('NOT_A_NUMBER'),
    );
    expect(['-1', '1000.001', '9'.repeat(20)].map((text) => problemOf(text))).toEqual(
      Array(3).fill('OUT_OF_RANGE'),
    );
  });
});
