import type { CliContext } from '../context.ts';

/** Tells on stderr how far something of unknown length is: one line that moves, or a few lines. */
export function openCounter({ stderr }: Pick<CliContext, 'stderr'>): Counter {
  const everyMs = stderr.isTTY ? 200 : 5_000;
  let toldMs = performance.now();
  let isShown = false;
  return {
    update(what, count) {
      if (performance.now() - toldMs < everyMs) return;
      toldMs = performance.now();
      const text = count === 0 ? what : `${what} ${count}`;
      isShown = Boolean(stderr.isTTY);
      stderr.write(isShown ? `\r\u001b[K${text}` : `${text}\n`);
    },
    [Symbol.dispose]() {
      if (isShown) stderr.write('\r\u001b[K');
      isShown = false;
    },
  };
}

export type Counter = Disposable & { update(what: string, count: number): void };
