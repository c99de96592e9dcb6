import { setImmediate as turn } from 'node:timers/promises';

/** How long others wait for their turn. */
const TURN_MS = 2;

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
  let turnMs = performance.now();
  for (const [i, item] of items.entries()) {
    results.push(map(item, i));
    if (performance.now() - turnMs < TURN_MS) continue;
    await turn();
    signal?.throwIfAborted();
    turnMs = performance.now();
  }
  return results;
}
