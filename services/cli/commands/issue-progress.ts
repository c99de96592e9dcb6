import { Presets, SingleBar } from 'cli-progress';
import type { CliContext } from '../context.ts';
import { inLanguage } from '../output.ts';

/**
 * Shows how far a file is, on stderr: a bar in a terminal, else a plain line every few seconds.
 * The bar counts bytes, because nobody knows the rows of a file before its end.
 */
export function openProgress(
  { stderr, env }: CliContext,
  totalBytes: number | undefined,
): Progress {
  const rowsWord = inLanguage(env, 'rows', '行');
  if (stderr.isTTY && totalBytes !== undefined) {
    const format = `{bar} {percentage}% | {rows} ${rowsWord} | {rate}/s | {eta_formatted}`;
    const bar = new SingleBar(
      { stream: stderr, format, clearOnComplete: true, hideCursor: true },
      Presets.shades_classic,
    );
    bar.start(Math.max(totalBytes, 1), 0, { rows: 0, rate: 0 });
    const startMs = performance.now();
    return {
      update(rows, bytes) {
        const rate = Math.round((rows * 1000) / Math.max(performance.now() - startMs, 1));
        bar.update(Math.min(bytes, totalBytes), { rows, rate });
      },
      [Symbol.dispose]: () => bar.stop(),
    };
  }
  let toldMs = performance.now();
  return {
    update(rows, bytes) {
      if (performance.now() - toldMs < LINE_EVERY_MS) return;
      toldMs = performance.now();
      const share = totalBytes ? `${Math.floor((100 * bytes) / totalBytes)}%, ` : '';
      stderr.write(`${share}${rows} ${rowsWord}\n`);
    },
    [Symbol.dispose]: () => undefined,
  };
}

const LINE_EVERY_MS = 5_000;

export type Progress = Disposable & {
  /** Rows that are settled and bytes that were read. */
  update(rows: number, bytes: number): void;
};
