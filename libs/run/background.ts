import { backoff, sleep } from './time.ts';

/** A loop that lasted so long before it failed is restarted without much delay. */
const STEADY_MS = 60_000;

/**
 * Runs `loop` until it returns or is disposed of. A loop that throws is logged and started again
 * after a growing delay. Disposing aborts the loop's signal and waits until the loop has ended;
 * what the loop throws after that is taken as the way it stopped.
 */
export function background(
  name: string,
  loop: (signal: AbortSignal) => Promise<void>,
  { log, firstMs = 100, maxMs = 10_000 }: BackgroundOptions,
): AsyncDisposable {
  const stop = new AbortController();
  const ended = keepRunning();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };

  async function keepRunning(): Promise<void> {
    let nextDelayMs = backoff({ firstMs, maxMs });
    while (!stop.signal.aborted) {
      const startMs = performance.now();
      try {
        return await loop(stop.signal);
      } catch (error) {
        if (stop.signal.aborted) return;
        if (performance.now() - startMs > STEADY_MS) nextDelayMs = backoff({ firstMs, maxMs });
        log.warn({ err: error, loop: name }, 'background loop failed; it starts again');
        await sleep(nextDelayMs(), stop.signal).catch(() => undefined);
      }
    }
  }
}

export type BackgroundOptions = {
  log: LoopLog;
  /** Bound of the delay after the first failure. */
  firstMs?: number;
  /** Bound of the delay after many failures. */
  maxMs?: number;
};

/** The part of a logger that a loop needs. */
export type LoopLog = { warn(fields: object, text: string): void };
