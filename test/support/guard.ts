import { spawn } from 'node:child_process';

// Waits until its stdin ends, then stops the processes and removes the folder. The wait between
// has a limit because a process that nobody reaps still answers kill -0.
const GUARD = `
folder=$1; shift
cat > /dev/null
kill -INT "$@" 2> /dev/null
one_runs() { for pid in "$@"; do kill -0 "$pid" 2> /dev/null && return 0; done; return 1; }
tries=100
while one_runs "$@" && [ $((tries -= 1)) -gt 0 ]; do sleep 0.1; done
rm -rf "$folder"
`;

/**
 * Ends servers and removes their folder when this process ends without having done so, by
 * `kill -9` too: a small process holds the other end of a pipe that only the kernel closes.
 * Dispose of it after the servers have been stopped.
 */
export function guard({ pids, folder }: { pids: number[]; folder: string }): Disposable {
  const child = spawn('/bin/sh', ['-c', GUARD, 'guard', folder, ...pids.map(String)], {
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.unref();
  // A socket in the parent; it must not keep a finished run alive.
  (child.stdin as unknown as { unref(): void }).unref();
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
