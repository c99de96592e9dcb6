import { setImmediate as turn } from 'node:timers/promises';

/** How long others wait for their turn. */
const TURN_MS = 2;

/**
 * For long work: what it answers is awaited at each step, and lets others have their turn now and
 * then. Rejects with the signal's reason once it is aborted.
 */
export function turns(signal?: AbortSignal): () => Promise<void> | undefined {
  let turnMs = performance.now();
  const others = async () => {
    await turn();
    signal?.throwIfAborted();
    turnMs = performance.now();
  };
  return () => (performance.now() - turnMs < TURN_MS ? undefined : others());
}

/**
 * Maps a long list and lets others have their turn between. Rejects with the signal's reason once
 * it is aborted.
 */
export async function mapInTurns<Item, Result>(
  items: readonly Item[],
  map: (item: Item, index: number) => Result,
  signal?: AbortSignal,
): Promise<Result[]> {
  const results: Result[] = [];
  const others = turns(signal);
  for (const [i, item] of items.entries()) {
    results.push(map(item, i));
    const waiting = others();
    if (waiting !== undefined) await waiting;
  }
  return results;
}
