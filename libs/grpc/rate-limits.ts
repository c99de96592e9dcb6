import { LRUCache } from 'lru-cache';
import { RpcError } from '#libs/errors';
import type { Identity } from './identity.ts';
import { RATE_CLASSES, type Scope } from './scopes.ts';

/**
 * A token bucket for each identity and class of calls. Of this process alone: with three processes
 * behind one address, a caller gets up to three times as much. Holds the 100,000 callers that came
 * last; one that is forgotten begins with a full bucket.
 */
export class RateLimits {
  readonly #defaults: Rate;
  readonly #buckets = new LRUCache<string, Bucket>({ max: 100_000 });
  readonly #nowMs: () => number;

  constructor(defaults: Rate, nowMs: () => number = () => performance.now()) {
    this.#defaults = defaults;
    this.#nowMs = nowMs;
  }

  /** RATE_LIMITED, with the time when the next call has a place, if there is none now. */
  take(identity: Identity, scope: string): void {
    if (identity.kind === 'service') return;
    const { callsPerS, burstCount } = this.#rateOf(identity);
    const key = `${RATE_CLASSES[scope as Scope]} ${identity.keyId}`;
    const nowMs = this.#nowMs();
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      this.#buckets.set(key, { count: burstCount - 1, sinceMs: nowMs });
      return;
    }
    const grown = bucket.count + ((nowMs - bucket.sinceMs) * callsPerS) / 1000;
    bucket.count = Math.min(burstCount, grown);
    bucket.sinceMs = nowMs;
    if (bucket.count < 1) {
      throw new RpcError('RATE_LIMITED', {
        metadata: { calls_per_s: String(callsPerS) },
        retryAfterMs: Math.ceil(((1 - bucket.count) * 1000) / callsPerS),
      });
    }
    bucket.count -= 1;
  }

  #rateOf({ limits }: Identity): Rate {
    const callsPerS = limits?.callsPerS || this.#defaults.callsPerS;
    if (limits?.burstCount) return { callsPerS, burstCount: limits.burstCount };
    return limits?.callsPerS ? { callsPerS, burstCount: 2 * callsPerS } : this.#defaults;
  }
}

/** `burstCount` calls at once after a pause, `callsPerS` in the long run. */
export type Rate = { readonly callsPerS: number; readonly burstCount: number };

type Bucket = { count: number; sinceMs: number };
