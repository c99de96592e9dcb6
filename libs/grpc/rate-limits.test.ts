import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import type { CallLimits, Identity } from './identity.ts';
import { type Rate, RateLimits } from './rate-limits.ts';
import { KIND_SCOPES, METHOD_SCOPES, RATE_CLASSES } from './scopes.ts';

function identity(keyId: string, change: Partial<Identity> = {}): Identity {
  return { kind: 'merchant', id: 'shop', scopes: KIND_SCOPES.merchant, keyId, ...change };
}

function limited(limits: Partial<CallLimits>): Partial<Identity> {
  return { limits: { callsPerS: 0, burstCount: 0, waybillsPerDay: 0n, ...limits } };
}

function start(rate: Rate) {
  let nowMs = 1_000_000;
  const rates = new RateLimits(rate, () => nowMs);
  return {
    tick: (ms: number) => {
      nowMs += ms;
    },
    /** Whether there is a place, or how long to wait for one. */
    take(who: Identity, scope = 'waybill.read'): true | number {
      try {
        rates.take(who, scope);
        return true;
      } catch (error) {
        if (!(error instanceof RpcError) || error.reason !== 'RATE_LIMITED') throw error;
        return error.retryAfterMs ?? 0;
      }
    },
  };
}

describe('rate limits', () => {
  it('let a burst through, then as many as the rate, and say when to come back', () => {
    const { take, tick } = start({ callsPerS: 10, burstCount: 3 });
    const caller = identity('a');
    expect([1, 2, 3].map(() => take(caller))).toEqual([true, true, true]);
    expect(take(caller)).toBe(100);
    tick(60);
    expect(take(caller)).toBe(40);
    tick(40);
    expect(take(caller)).toBe(true);
    expect(take(caller)).toBe(100);
    tick(3_600_000);
    expect([1, 2, 3, 4].map(() => take(caller))).toEqual([true, true, true, 100]);
  });

  it('count each identity and each class of calls apart', () => {
    const { take } = start({ callsPerS: 1, burstCount: 1 });
    expect(take(identity('a'), 'waybill.read')).toBe(true);
    expect(take(identity('a'), 'network.read')).not.toBe(true);
    expect(take(identity('a'), 'waybill.issue')).toBe(true);
    expect(take(identity('a'), 'waybill.cancel')).toBe(true);
    expect(take(identity('b'), 'waybill.read')).toBe(true);
  });

  it('are those of the key where it has some, and none for services', () => {
    const { take } = start({ callsPerS: 1, burstCount: 1 });
    const count = (who: Identity) => {
      let taken = 0;
      while (taken < 100 && take(who) === true) taken += 1;
      return taken;
    };
    expect(count(identity('a', limited({ callsPerS: 7 })))).toBe(14);
    expect(count(identity('b', limited({ callsPerS: 7, burstCount: 9 })))).toBe(9);
    expect(count(identity('c', limited({ burstCount: 5 })))).toBe(5);
    expect(count(identity('d', limited({ waybillsPerDay: 5n })))).toBe(1);
    expect(count(identity('e', { kind: 'service' }))).toBe(100);
  });

  it('never let more through than burst and rate allow, whenever calls come', () => {
    const gapsMs = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
    const rate = fc.record({
      callsPerS: fc.integer({ min: 1, max: 50 }),
      burstCount: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(rate, gapsMs, (given, gaps) => {
        const { take, tick } = start(given);
        const caller = identity('a');
        let takenCount = 0;
        let passedMs = 0;
        for (const gapMs of gaps) {
          tick(gapMs);
          passedMs += gapMs;
          if (take(caller) === true) takenCount += 1;
          const allowed = given.burstCount + (passedMs * given.callsPerS) / 1000;
          expect(takenCount).toBeLessThanOrEqual(allowed + 1e-6);
        }
        // After the time that it was told, a caller has a place.
        const waitMs = take(caller);
        if (waitMs === true) return;
        tick(waitMs);
        expect(take(caller)).toBe(true);
      }),
    );
  });

  it('forget callers that have not come for long, not those that do', () => {
    const { take } = start({ callsPerS: 1, burstCount: 1 });
    expect(take(identity('first'))).toBe(true);
    for (let i = 0; i < 100_000; i++) take(identity(`other-${i}`));
    expect(take(identity('first'))).toBe(true);
    expect(take(identity('other-99999'))).not.toBe(true);
  });

  it('know the class of every scope that a method asks for', () => {
    for (const [method, scope] of Object.entries(METHOD_SCOPES)) {
      expect(RATE_CLASSES[scope], method).toMatch(/^(issue|read|change)$/);
    }
  });
});
