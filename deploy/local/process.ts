import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A mark that tells one process from a later one with the same number: when it started.
 * Undefined when no such process runs (a zombie does not run).
 */
export function startMark(pid: number): string | undefined {
  return existsSync('/proc/self/stat') ? linuxMark(pid) : psMark(pid);
}

/** The command line of a process, words joined by blanks; empty when it cannot be read. */
export function commandLine(pid: number): string {
  if (existsSync('/proc/self/cmdline')) {
    return (read(`/proc/${pid}/cmdline`) ?? '').replaceAll('\0', ' ').trim();
  }
  return ps(pid, 'command=');
}

/** Waits until the process is gone. False when it still runs after `timeoutMs`. */
export async function waitForExit(pid: number, timeoutMs: number): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  while (startMark(pid) !== undefined) {
    if (performance.now() > end) return false;
    await sleep(10);
  }
  return true;
}

/**
 * Sends the signals one after the other, each with its time to take effect.
 * Returns the one that ended the process, undefined when it had ended before.
 */
export async function stopProcess(
  pid: number,
  steps: readonly StopStep[],
): Promise<NodeJS.Signals | undefined> {
  for (const { signal, waitMs } of steps) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
      throw error;
    }
    if (await waitForExit(pid, waitMs)) return signal;
  }
  throw new Error(`Process ${pid} does not end. End it by hand: kill -9 ${pid}`);
}

function linuxMark(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // With hidepid, other users' processes are not to be seen there but do exist.
  if (stat === undefined) return answersSignals(pid) ? 'hidden' : undefined;
  // The name is in brackets and may hold blanks; state is the first field after it, and the
  // start in clock ticks since boot the twentieth.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = (read('/proc/sys/kernel/random/boot_id') ?? '').trim();
  return `${boot}:${fields[19]}`;
}

function psMark(pid: number): string | undefined {
  const line = ps(pid, 'stat=,lstart=');
  const [state = '', ...start] = line.split(/\s+/);
  return line === '' || state.startsWith('Z') ? undefined : start.join(' ');
}

function ps(pid: number, columns: string): string {
  const result = spawnSync('ps', ['-o', columns, '-p', String(pid)], { encoding: 'utf8' });
  return (result.stdout ?? '').trim();
}

function answersSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // The process ended between two looks, or is not ours to see: both read as "nothing there".
    return undefined;
  }
}

export type StopStep = { signal: NodeJS.Signals; waitMs: number };
