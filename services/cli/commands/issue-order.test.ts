import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inChunks, mapInOrder } from './issue-order.ts';

async function* from<Item>(items: Iterable<Item>, failure?: Error) {
  yield* items;
  if (failure) throw failure;
}

async function all<Item>(source: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of source) items.push(item);
  return items;
}

/** Work that takes as many turns of the event loop as each item says. */
function slowWork() {
  let running = 0;
  const seen = { runningMax: 0 };
  return {
    seen,
    async work(turns: number) {
      running += 1;
      seen.runningMax = Math.max(seen.runningMax, running);
      for (let i = 0; i < turns; i++) await new Promise(setImmediate);
      running -= 1;
      return turns;
    },
  };
}

describe('work in order', () => {
  it('answers in the order of the source and keeps its limits', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (turns, running) => {
          const { seen, work } = slowWork();
          const limits = { running, held: running + 3 };
          let started = 0;
          let answered = 0;
          let heldMax = 0;
          const counting = async (item: number) => {
            started += 1;
            heldMax = Math.max(heldMax, started - answered);
            return work(item);
          };
          const answers: number[] = [];
          for await (const answer of mapInOrder(from(turns), limits, counting)) {
            answers.push(answer);
            answered += 1;
          }
          expect(answers).toEqual(turns);
          expect(seen.runningMax).toBeLessThanOrEqual(running);
          expect(heldMax).toBeLessThanOrEqual(limits.held);
        },
      ),
    );
  });

  it('would be seen to break the order: answers as they come are not in it', async () => {
    const turns = [9, 0, 5, 0];
    const { work } = slowWork();
    const asTheyCome: number[] = [];
    await Promise.all(turns.map(async (each) => asTheyCome.push(await work(each))));
    expect(asTheyCome).not.toEqual(turns);
  });

  it('answers what was started before it throws the failure of its source', async () => {
    const { work } = slowWork();
    const answers: number[] = [];
    const failing = from([4, 2, 3], new Error('unreadable'));
    const run = async () => {
      const limits = { running: 2, held: 8 };
      for await (const answer of mapInOrder(failing, limits, work)) answers.push(answer);
    };
    await expect(run()).rejects.toThrow('unreadable');
    expect(answers).toEqual([4, 2, 3]);
  });

  it('cuts a source into chunks without losing its end', async () => {
    const options = { size: 2, max: 9, belong: () => false };
    expect(await all(inChunks(from([1, 2, 3, 4, 5]), options))).toEqual([[1, 2], [3, 4], [5]]);
    expect(await all(inChunks(from([]), options))).toEqual([]);
  });

  it('keeps neighbours that belong together in one chunk, as far as it may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        async (items, size, more) => {
          const max = size + more;
          const belong = (a: number, b: number) => a === b;
          const chunks = await all(inChunks(from(items), { size, max, belong }));
          expect(chunks.flat()).toEqual(items);
          for (const [i, chunk] of chunks.entries()) {
            expect(chunk.length).toBeLessThanOrEqual(max);
            const next = chunks[i + 1]?.[0];
            if (next === undefined) continue;
            expect(chunk.length).toBeGreaterThanOrEqual(size);
            if (chunk.at(-1) === next) expect(chunk).toHaveLength(max);
          }
        },
      ),
    );
  });
});
