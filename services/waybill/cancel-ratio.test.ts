import { expect, it } from 'vitest';
import { cancellableOf } from './cancel-ratio.ts';

it.each([
  [499n, { percent: 20, freeCount: 500 }, undefined],
  [500n, { percent: 20, freeCount: 500 }, 100n],
  [504n, { percent: 20, freeCount: 500 }, 100n],
  [505n, { percent: 20, freeCount: 500 }, 101n],
  [10n ** 15n, { percent: 20, freeCount: 500 }, 2n * 10n ** 14n],
  [9n, { percent: 0, freeCount: 0 }, 0n],
  [0n, { percent: 20, freeCount: 0 }, 0n],
  [10_000n, { percent: 100, freeCount: 0 }, undefined],
])('of %d drawn under %o at most %s may be cancelled', (drawn, ratio, allowed) => {
  expect(cancellableOf(drawn, ratio)).toBe(allowed);
});
