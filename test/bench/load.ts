/**
 * Calls `call` from `lanes` at a time for `seconds`, after a warm-up that is not counted. `call`
 * answers how many items it did.
 */
export async function load(options: LoadOptions): Promise<LoadFigures> {
  const { lanes, seconds, call } = options;
  const warmUpMs = Math.min(2_000, seconds * 250);
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + seconds * 1_000;
  let items = 0;
  let itemCount = 0;
  const latenciesMs: number[] = [];
  const lane = async () => {
    for (;;) {
      const beginMs = performance.now();
      if (beginMs >= endMs) return;
      const done = await call();
      const doneMs = performance.now();
      itemCount += done;
      // Counted by when it ended, so that what hangs does not look like speed.
      if (doneMs < startMs || doneMs > endMs) continue;
      items += done;
      latenciesMs.push(doneMs - beginMs);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
  return { itemsPerS: items / seconds, itemCount, p50Ms: at(0.5), p99Ms: at(0.99) };
}

export type LoadOptions = {
  /** Calls in flight. */
  lanes: number;
  seconds: number;
  call: () => Promise<number>;
};

export type LoadFigures = {
  itemsPerS: number;
  /** All items, those of the warm-up included. */
  itemCount: number;
  p50Ms: number;
  p99Ms: number;
};
