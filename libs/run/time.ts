import { setTimeout as delay } from 'node:timers/promises';

/** Wall-clock time. For durations use `performance.now()`, which never jumps. */
export type Clock = () => Date;

/**
 * Waits. Rejects with the signal's reason as soon as it is aborted: a loop around a sleep that
 * returned quietly would spin.
 */
export async function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await delay(durationMs, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}

/**
 * A function that answers the next delay in ms: evenly spread from 0 to a bound that doubles from
 * `firstMs` to `maxMs`. Full jitter keeps clients that failed together from coming back together.
 */
export function backoff({ firstMs, maxMs, random = Math.random }: BackoffOptions): () => number {
  let boundMs = Math.min(firstMs, maxMs);
  return () => {
    const nextMs = Math.round(random() * boundMs);
    boundMs = Math.min(boundMs * 2, maxMs);
    return nextMs;
  };
}

export type BackoffOptions = {
  firstMs: number;
  maxMs: number;
  /** From 0 to 1, exclusive. */
  random?: () => number;
};
