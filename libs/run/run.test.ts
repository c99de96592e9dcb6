import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  background,
  backoff,
  closeInOrder,
  mapInTurns,
  projectFile,
  sleep,
  untilSignal,
} from './index.ts';
import { findRoot } from './project.ts';

describe('projectFile', () => {
  it('finds the package from the sources', async () => {
    const { default: content } = await import(projectFile('package.json'), {
      with: { type: 'json' },
    });
    expect(content.name).toBe('queqiao');
    expect(projectFile('libs', 'run', 'index.ts')).toMatch(/libs[/\\]run[/\\]index\.ts$/);
  });

  it('passes by the package.json of somebody else', () => {
    const foreign = mkdtempSync(join(tmpdir(), 'foreign-'));
    writeFileSync(join(foreign, 'package.json'), '{"name":"other"}');
    expect(() => findRoot(foreign)).toThrow(/no package.json of queqiao/);
  });
});

describe('mapInTurns', () => {
  /** Longer than a turn. */
  const work = (item: number) => {
    for (const endMs = performance.now() + 3; performance.now() < endMs; );
    return item * 2;
  };

  it('maps in order, and others have their turn between', async () => {
    let turnCount = 0;
    const other = () => {
      turnCount += 1;
      if (turnCount < 1_000) setImmediate(other);
    };
    setImmediate(other);
    expect(await mapInTurns([1, 2, 3], work)).toEqual([2, 4, 6]);
    expect(turnCount).toBeGreaterThanOrEqual(2);
    // A plain loop gives none.
    const before = turnCount;
    expect([1, 2, 3].map(work)).toEqual([2, 4, 6]);
    expect(turnCount).toBe(before);
    turnCount = 1_000;
  });

  it('ends with its signal', async () => {
    const stop = new AbortController();
    const mapping = mapInTurns([1, 2, 3], work, stop.signal);
    stop.abort(new Error('gone'));
    await expect(mapping).rejects.toThrow('gone');
  });
});

describe('untilSignal', () => {
  it('resolves with the name of the signal and stops listening', async () => {
    const before = process.listenerCount('SIGTERM');
    const waiting = untilSignal();
    expect(process.listenerCount('SIGTERM')).toBe(before + 1);
    process.emit('SIGTERM', 'SIGTERM');
    expect(await waiting).toBe('SIGTERM');
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it('resolves when its own signal is aborted, also if that was before', async () => {
    const stop = new AbortController();
    const waiting = untilSignal(stop.signal);
    stop.abort();
    expect(await waiting).toBe('abort');
    expect(await untilSignal(stop.signal)).toBe('abort');
  });
});

describe('closeInOrder', () => {
  it('closes one after the other', async () => {
    const closed: string[] = [];
    const closable = (name: string) => ({
      name,
      close: async () => {
        await sleep(1);
        closed.push(name);
      },
    });
    expect(await closeInOrder(['a', 'b', 'c'].map(closable), 10_000)).toEqual([]);
    expect(closed).toEqual(['a', 'b', 'c']);
  });

  it('goes on after one that fails, and reports it', async () => {
    const close = vi.fn();
    const failing = () => {
      throw new Error('broken');
    };
    const problems = await closeInOrder(
      [
        { name: 'bus', close: failing },
        { name: 'pool', close },
      ],
      10_000,
    );
    expect(problems.map(({ message }) => message)).toEqual(['bus: broken']);
    expect(close).toHaveBeenCalledOnce();
  });

  it('does not wait longer than the grace time, and still tells the rest to close', async () => {
    const close = vi.fn();
    const hanging = () => new Promise(() => undefined);
    const problems = await closeInOrder(
      [
        { name: 'server', close: hanging },
        { name: 'pool', close },
      ],
      5,
    );
    expect(problems[0]?.message).toBe('server: not closed within 5 ms');
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('sleep', () => {
  it('rejects with the reason of its signal', async () => {
    const stop = new AbortController();
    const reason = new Error('stopping');
    const waiting = sleep(1_000_000, stop.signal);
    stop.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(sleep(1, stop.signal)).rejects.toBe(reason);
  });
});

describe('backoff', () => {
  it('answers delays below a bound that doubles up to the maximum', async () => {
    const part = fc.double({ min: 0, max: 0.999999, noNaN: true });
    const parts = fc.array(part, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 1000 }), (draws, firstMs) => {
        let drawn = 0;
        const maxMs = firstMs * 10;
        const next = backoff({ firstMs, maxMs, random: () => draws[drawn++] ?? 0 });
        draws.forEach((draw, index) => {
          expect(next()).toBe(Math.round(draw * Math.min(firstMs * 2 ** index, maxMs)));
        });
      }),
    );
  });
});

describe('background', () => {
  const waitForAbort = (signal: AbortSignal) => sleep(2 ** 30, signal);

  it('runs a loop until it is disposed of', async () => {
    const log = { warn: vi.fn() };
    let seen: AbortSignal | undefined;
    const running = background(
      'relay',
      (signal) => {
        seen = signal;
        return waitForAbort(signal);
      },
      { log },
    );
    await running[Symbol.asyncDispose]();
    expect(seen?.aborted).toBe(true);
    expect(log.warn).not.toHaveBeenCalled();
  });

  it('logs a failure and starts again', async () => {
    const log = { warn: vi.fn() };
    let startCount = 0;
    const running = background(
      'relay',
      (signal) => {
        startCount += 1;
        return startCount < 3 ? Promise.reject(new Error('away')) : waitForAbort(signal);
      },
      { log, firstMs: 1, maxMs: 1 },
    );
    await vi.waitFor(() => expect(startCount).toBe(3));
    await running[Symbol.asyncDispose]();
    expect(log.warn).toHaveBeenCalledTimes(2);
    expect(log.warn.mock.calls[0]?.[0]).toMatchObject({ loop: 'relay' });
  });

  it('is not started again once it has returned', async () => {
    const loop = vi.fn(async () => undefined);
    const running = background('once', loop, { log: { warn: vi.fn() } });
    await running[Symbol.asyncDispose]();
    expect(loop).toHaveBeenCalledOnce();
  });
});
