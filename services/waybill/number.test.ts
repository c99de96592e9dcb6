import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumberRange_CheckDigitScheme as Scheme } from '#proto/queqiao/network/v1/number_range';
import { checkDigit, formatNumber, numberSpan } from './number.ts';

// Vectors from ISO/IEC 7064, the GS1 General Specifications and UPU S10 texts.
const VECTORS: [Scheme, string, string][] = [
  [Scheme.UPU_S10, 'RA00071761', '8'],
  [Scheme.UPU_S10, 'RA00071759', '5'],
  [Scheme.UPU_S10, 'RA00071758', '1'],
  [Scheme.UPU_S10, '96633102', '0'],
  [Scheme.UPU_S10, '76129403', '8'],
  [Scheme.GS1_MOD10, '10614141123456789', '7'],
  [Scheme.GS1_MOD10, '34012345123456789', '5'],
  [Scheme.GS1_MOD10, '170042000000001', '3'],
  [Scheme.GS1_MOD10, '004095999999999', '5'],
  [Scheme.ISO7064_MOD11_10, '0794', '5'],
  [Scheme.ISO7064_MOD11_10, '170042000000001', '8'],
  [Scheme.ISO7064_MOD11_10, '004095999999999', '9'],
  [Scheme.NONE, '0794', ''],
];

const scheme = fc.constantFrom(
  Scheme.NONE,
  Scheme.ISO7064_MOD11_10,
  Scheme.GS1_MOD10,
  Scheme.UPU_S10,
);
const format = fc.record({
  prefix: fc.stringMatching(/^[A-Z]{0,4}$/),
  serialWidth: fc.constant(8),
  checkDigitScheme: scheme,
  suffix: fc.stringMatching(/^[A-Z]{0,2}$/),
});
const serial = fc.bigInt({ min: 0n, max: 99_999_999n });

describe('waybill number', () => {
  it.each(VECTORS)('scheme %i gives %s the check digit "%s"', (scheme, body, digit) => {
    expect(checkDigit(scheme, body)).toBe(digit);
  });

  it('pads the serial and puts check digit and suffix behind it', () => {
    const s10 = { prefix: 'RA', serialWidth: 8, checkDigitScheme: Scheme.UPU_S10, suffix: 'CN' };
    expect(formatNumber(s10, 71761n)).toBe('RA000717618CN');
  });

  it('differs for different serials of a range', () => {
    fc.assert(
      fc.property(format, serial, serial, (format, a, b) => {
        expect(formatNumber(format, a) === formatNumber(format, b)).toBe(a === b);
      }),
    );
  });

  it('lies in the span of any lease that holds its serial and in no other', () => {
    fc.assert(
      fc.property(format, serial, serial, serial, (format, a, b, c) => {
        const [first, last] = a < b ? [a, b] : [b, a];
        const { low, high } = numberSpan(format, first, last);
        const number = formatNumber(format, c);
        expect(number >= low && number <= high).toBe(c >= first && c <= last);
      }),
    );
  });

  it.each([Scheme.ISO7064_MOD11_10, Scheme.GS1_MOD10])(
    'scheme %i finds every single wrong digit',
    (scheme) => {
      fc.assert(
        fc.property(serial, fc.nat(7), fc.integer({ min: 1, max: 9 }), (serial, at, shift) => {
          const body = serial.toString().padStart(8, '0');
          const wrong = String((Number(body[at]) + shift) % 10);
          const damaged = body.slice(0, at) + wrong + body.slice(at + 1);
          expect(checkDigit(scheme, damaged)).not.toBe(checkDigit(scheme, body));
        }),
      );
    },
  );
});
