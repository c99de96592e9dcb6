import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketOf, bucketsOf } from './bucket.ts';

const merchant = fc.record({
  homeBucket: fc.nat(255),
  spread: fc.constantFrom(1, 2, 4, 8, 16, 32, 64),
});
const orderRef = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);

describe('bucket', () => {
  it('is one of the merchant, the same for every spelling of the order', () => {
    fc.assert(
      fc.property(merchant, orderRef, (merchant, orderRef) => {
        const bucket = bucketOf(merchant, { orderRef });
        expect(bucketsOf(merchant)).toContain(bucket);
        expect(bucketOf(merchant, { orderRef: orderRef.toUpperCase() })).toBe(bucket);
      }),
    );
  });

  it('never moves', () => {
    // Waybills are stored under these; a change of the hash would lose them.
    expect(bucketOf({ homeBucket: 250, spread: 16 }, { orderRef: 'A-1' })).toBe(0);
    expect(bucketOf({ homeBucket: 250, spread: 16 }, { orderRef: 'JD20261111000042' })).toBe(1);
    expect(bucketOf({ homeBucket: 7, spread: 1 }, { orderRef: 'A-1' })).toBe(7);
  });

  it('spreads consecutive order numbers evenly', () => {
    const counts = new Array<number>(16).fill(0);
    for (let i = 0; i < 16_000; i++) {
      const bucket = bucketOf({ homeBucket: 0, spread: 16 }, { orderRef: `2026111100${i}` });
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(850);
    expect(Math.max(...counts)).toBeLessThan(1150);
  });
});
