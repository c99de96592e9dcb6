import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { RpcError } from '#libs/errors';
import { groupCommit } from './group-commit.ts';

/** A write that waits to be let go, so that a test decides what waits behind it. */
function gate() {
  const writes: { items: number[]; finish: () => void }[] = [];
  const write = (items: number[]) =>
    new Promise<string[]>((resolve) => {
      writes.push({ items, finish: () => resolve(items.map((item) => `#${item}`)) });
    });
  return { writes, write };
}

describe('group commit', () => {
  it('writes once for all that wait, and gives each submission its own results', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write, writers: 1 });
    const first = group.submit([1]);
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    const later = [group.submit([2, 3]), group.submit([4]), group.submit([5, 6])];
    writes[0]?.finish();
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    expect(writes[1]?.items).toEqual([2, 3, 4, 5, 6]);
    writes[1]?.finish();
    expect(await first).toEqual(['#1']);
    expect(await Promise.all(later)).toEqual([['#2', '#3'], ['#4'], ['#5', '#6']]);
  });

  it('puts together what was submitted in one turn of the event loop', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write });
    const all = [group.submit([1]), group.submit([2]), group.submit([3])];
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    expect(writes[0]?.items).toEqual([1, 2, 3]);
    writes[0]?.finish();
    await Promise.all(all);
  });

  it('starts with a large submission before the turn of the event loop ends', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write });
    const large = Array.from({ length: 100 }, (_, item) => item);
    const all = [group.submit(large), group.submit([1])];
    expect(writes.map(({ items }) => items.length)).toEqual([100]);
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    for (const { finish } of writes) finish();
    await Promise.all(all);
  });

  it('runs as many writes as it has writers, and no more', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write, writers: 2, maxItems: 1 });
    const all = [1, 2, 3].map((item) => group.submit([item]));
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    writes[1]?.finish();
    await vi.waitFor(() => expect(writes).toHaveLength(3));
    for (const { finish } of writes) finish();
    expect(await Promise.all(all)).toEqual([['#1'], ['#2'], ['#3']]);
  });

  it('fills a write by the size of its items', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write, writers: 1, maxItems: 10, sizeOf: (size) => size });
    const all = [group.submit([1])];
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    all.push(group.submit([6]), group.submit([4]), group.submit([1]));
    for (let i = 0; i < 3; i++) {
      await vi.waitFor(() => expect(writes).toHaveLength(i + 1));
      writes[i]?.finish();
    }
    expect(writes.map(({ items }) => items)).toEqual([[1], [6, 4], [1]]);
    await Promise.all(all);
  });

  it('answers nothing for nothing without a write', async () => {
    const { writes, write } = gate();
    expect(await groupCommit({ write }).submit([])).toEqual([]);
    expect(writes).toEqual([]);
  });

  it('refuses at once what is over the limit of waiting items, and takes more later', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write, writers: 1, maxWaitingItems: 3 });
    const running = group.submit([1]);
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    const waiting = group.submit([2, 3]);
    await expect(group.submit([4, 5])).rejects.toMatchObject({
      reason: 'OVERLOADED',
      retryAfterMs: expect.any(Number),
    });
    const fits = group.submit([6]);
    writes[0]?.finish();
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    const after = group.submit([7, 8, 9]);
    writes[1]?.finish();
    await vi.waitFor(() => expect(writes).toHaveLength(3));
    writes[2]?.finish();
    await Promise.all([running, waiting, fits, after]);
  });
});

describe('a failed group', () => {
  it('fails only the submissions at fault, whatever the grouping', async () => {
    const submissions = fc.array(fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 4 }));
    await fc.assert(
      fc.asyncProperty(submissions, fc.integer({ min: 1, max: 6 }), async (given, maxItems) => {
        const written: number[] = [];
        const group = groupCommit({
          maxItems,
          async write(items: number[]) {
            if (items.includes(0)) throw new Error('bad item');
            written.push(...items);
            return items.map((item) => item * 10);
          },
        });
        const outcomes = await Promise.allSettled(given.map((items) => group.submit(items)));
        const good = given.filter((items) => !items.includes(0));
        expect(outcomes).toEqual(
          given.map((items) =>
            items.includes(0)
              ? { status: 'rejected', reason: new Error('bad item') }
              : { status: 'fulfilled', value: items.map((item) => item * 10) },
          ),
        );
        // A good item is written once, also when it was first tried beside a bad one.
        expect(written.sort()).toEqual(good.flat().sort());
      }),
    );
  });

  it('would fail its neighbours if it were not tried again in parts', async () => {
    const write = vi.fn(async (items: number[]) => {
      if (items.includes(0)) throw new RpcError('STORAGE_FULL');
      return items;
    });
    // The twin: an error that is nobody's fault, for which parts are not tried.
    const group = groupCommit({ write });
    const outcomes = await Promise.allSettled([group.submit([0]), group.submit([1])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(write).toHaveBeenCalledOnce();
  });

  it('finds one bad submission among 500 with few writes', async () => {
    const write = vi.fn(async (items: number[]) => {
      if (items.includes(123)) throw new Error('bad item');
      return items;
    });
    const group = groupCommit({ write });
    const all = Array.from({ length: 500 }, (_, item) => group.submit([item]));
    const outcomes = await Promise.allSettled(all);
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(write.mock.calls.length).toBeLessThan(25);
  });

  it('is not tried in parts while the database is away', async () => {
    const write = vi.fn(async () => {
      throw new RpcError('DEPENDENCY_DOWN');
    });
    const group = groupCommit<number, number>({ write });
    const outcomes = await Promise.allSettled([group.submit([1]), group.submit([2])]);
    expect(outcomes).toMatchObject([
      { reason: { reason: 'DEPENDENCY_DOWN' } },
      { reason: { reason: 'DEPENDENCY_DOWN' } },
    ]);
    expect(write).toHaveBeenCalledOnce();
  });

  it('does not hand out results that cannot be told apart', async () => {
    const group = groupCommit({ write: async (items: number[]) => items.slice(1) });
    await expect(group.submit([1, 2])).rejects.toThrow('1 results for 2 items');
  });
});

describe('a group commit that ends', () => {
  it('writes all that was submitted and refuses the rest', async () => {
    const { writes, write } = gate();
    const group = groupCommit({ write, writers: 1, maxItems: 1 });
    const submitted = [group.submit([1]), group.submit([2])];
    await vi.waitFor(() => expect(writes).toHaveLength(1));
    let isEnded = false;
    const end = group[Symbol.asyncDispose]().then(() => {
      isEnded = true;
    });
    await expect(group.submit([3])).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    writes[0]?.finish();
    await vi.waitFor(() => expect(writes).toHaveLength(2));
    expect(isEnded).toBe(false);
    writes[1]?.finish();
    await end;
    expect(await Promise.all(submitted)).toEqual([['#1'], ['#2']]);
    await group[Symbol.asyncDispose]();
  });
});
