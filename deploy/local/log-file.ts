import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';

const BYTES_MAX = 10_000_000;

/**
 * Opens a server's log to append to, readable for its owner only. A long log is kept once as
 * `<file>.1`. `said()` is what has been written since the opening.
 */
export function openLogFile(file: string): LogFile {
  let start = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (start > BYTES_MAX) {
    renameSync(file, `${file}.1`);
    start = 0;
  }
  const fd = openSync(file, 'a', 0o600);
  return {
    file,
    fd,
    said: () => readFileSync(file).subarray(start).toString('utf8'),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

export type LogFile = Disposable & { file: string; fd: number; said(): string };
