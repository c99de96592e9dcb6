import { spawnSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The user that Postgres runs as; undefined means: the user of this process. */
export type Account = { uid: number; gid: number } | undefined;

// Postgres refuses to run as root. 65534 is `nobody` on Linux, and needs no entry in /etc/passwd.
const NOBODY = { uid: 65534, gid: 65534 };

/**
 * The account for a cluster folder: as root the folder's owner if it exists (an ordinary user may
 * have made it), otherwise nobody; as an ordinary user always oneself.
 */
export async function accountFor(cluster: string): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(cluster).catch(() => undefined);
  if (owner === undefined || owner.uid === 0) return NOBODY;
  return { uid: owner.uid, gid: owner.gid };
}

/** Runs a program as the account and waits for it. No environment of ours goes along. */
export function runAs(account: Account, program: string, args: string[]): RunResult {
  const result = spawnSync(program, args, {
    ...account,
    cwd: '/',
    env: plainEnvironment(),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = `${result.stderr ?? ''}${result.stdout ?? ''}`.trim();
  if (result.error !== undefined) return { ok: false, said: result.error.message };
  return { ok: result.status === 0, said: said || `it ended with ${result.status}` };
}

/**
 * PGDATA, PGPORT or LD_LIBRARY_PATH of the caller must not reach the server. UTC and C keep its
 * clock and its messages the same on every machine.
 */
export function plainEnvironment(): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
}

/** The first folder on the way to `path` that the account cannot pass; undefined if it can. */
export function firstBarrier(account: Account, path: string): string | undefined {
  const way: string[] = [];
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    way.unshift(folder);
  }
  // A real try as that user: mode bits alone say nothing about ACLs, NFS or user namespaces.
  return way.find((folder) => !runAs(account, '/bin/sh', ['-c', 'cd "$1"', 'sh', folder]).ok);
}

export type RunResult = { ok: boolean; said: string };
