import { toRpcError } from '#libs/errors';
import { backoff, sleep } from '#libs/run';

/** Asks again, with growing pauses, what may succeed later. For work that may be repeated. */
export async function insist<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  const nextDelayMs = backoff(RETRY);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const { retryable, retryAfterMs = 0 } = toRpcError(error);
      if (!retryable || attempt >= RETRY.attempts) throw error;
      await sleep(Math.max(nextDelayMs(), retryAfterMs));
    }
  }
}

const RETRY = { attempts: 5, firstMs: 250, maxMs: 5_000 };
