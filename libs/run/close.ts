import { sleep } from './time.ts';

/**
 * Closes one after the other, in the order given, all within `graceMs`. One that fails or hangs
 * does not keep the next from being closed: when the time is used up, the rest is told to close
 * and not waited for. Answers what went wrong, one Error for each; empty if all closed well.
 */
export async function closeInOrder(
  resources: readonly Closable[],
  graceMs: number,
): Promise<Error[]> {
  const endMs = performance.now() + graceMs;
  const problems: Error[] = [];
  for (const { name, close } of resources) {
    const timer = new AbortController();
    const tooLate = sleep(Math.max(0, endMs - performance.now()), timer.signal).then(() => {
      throw new Error(`not closed within ${graceMs} ms`);
    });
    // The loser of the race is nobody's business.
    tooLate.catch(() => undefined);
    try {
      await Promise.race([Promise.resolve(close()), tooLate]);
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      problems.push(new Error(`${name}: ${text}`, { cause }));
    } finally {
      timer.abort();
    }
  }
  return problems;
}

export type Closable = {
  /** For the log. */
  name: string;
  close: () => unknown;
};
