import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Notes } from './note.ts';

const RUN_MS = 180_000;

/** PATH, and the places where servers are installed but an ordinary user's PATH does not lead. */
export const SEARCH_PATH = [
  process.env['PATH'] ?? '',
  ...['/usr/sbin', '/usr/local/bin', '/usr/local/sbin', '/opt/homebrew/bin'],
].join(delimiter);

/**
 * A nats-server program that runs here, with its version: found on the path, else in `tools`,
 * else fetched through the system's package manager into `tools`. On Debian and its relatives
 * that changes nothing on the system: the package is only unpacked. Undefined when there is none.
 */
export async function natsProgram({ tools, notes, path = SEARCH_PATH }: Search): Promise<Found> {
  const own = join(tools, 'nats-server');
  for (const program of [await onPath('nats-server', path), own]) {
    const version = program && (await versionOf(program));
    if (program && version) return { program, version };
  }
  const apt = await onPath('apt-get', path);
  const dpkg = await onPath('dpkg-deb', path);
  if (apt && dpkg) await fromApt({ apt, dpkg, tools, own, notes });
  else if (process.platform === 'darwin') await fromBrew(await onPath('brew', path), notes);

  for (const program of [own, await onPath('nats-server', path)]) {
    const version = program && (await versionOf(program));
    if (program && version) return { program, version };
  }
  return undefined;
}

async function fromApt({ apt, dpkg, tools, own, notes }: Apt): Promise<void> {
  await mkdir(tools, { recursive: true });
  const work = await mkdtemp(join(tools, 'apt-'));
  try {
    notes.info('Fetching nats-server with apt-get (unpacked into the state folder only).');
    const download = ['download', 'nats-server', '-o', 'APT::Sandbox::User=root'];
    let result = await run(apt, download, work);
    if (!result.ok) {
      // No package lists here, or old ones: fetch lists of our own, then throw them away.
      const lists = await privateLists(work);
      result = await run(apt, ['update', ...lists], work);
      if (result.ok) result = await run(apt, [...download, ...lists], work);
    }
    const deb = (await readdir(work)).find((name) => name.endsWith('.deb'));
    if (result.ok && deb) result = await run(dpkg, ['-x', deb, 'unpacked'], work);
    const program = join(work, 'unpacked', 'usr', 'sbin', 'nats-server');
    if (result.ok && existsSync(program)) await rename(program, own);
    else notes.warn(`apt-get gives no nats-server: ${lastLine(result.said)}`);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function privateLists(work: string): Promise<string[]> {
  const state = join(work, 'state');
  const cache = join(work, 'cache');
  await mkdir(join(state, 'lists', 'partial'), { recursive: true });
  await mkdir(join(cache, 'archives', 'partial'), { recursive: true });
  const settings = [
    `Dir::State=${state}`,
    `Dir::Cache=${cache}`,
    // Dir::State would move this one too.
    'Dir::State::status=/var/lib/dpkg/status',
    'APT::Sandbox::User=root',
    'Acquire::Languages=none',
    'Acquire::http::Timeout=20',
    'Acquire::https::Timeout=20',
  ];
  return settings.flatMap((setting) => ['-o', setting]);
}

async function fromBrew(brew: string | undefined, notes: Notes): Promise<void> {
  if (brew === undefined) return;
  notes.info('Installing nats-server with brew.');
  const result = await run(brew, ['install', 'nats-server'], '/');
  if (!result.ok) notes.warn(`brew gives no nats-server: ${lastLine(result.said)}`);
}

async function versionOf(program: string): Promise<string | undefined> {
  const { ok, said } = await run(program, ['--version'], '/');
  return ok ? /v(\d+\.\d+\.\d+)/.exec(said)?.[1] : undefined;
}

async function onPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const program = join(folder, name);
    const runs = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return program;
  }
  return undefined;
}

function run(program: string, args: string[], cwd: string): Promise<Result> {
  return new Promise((resolve) => {
    const env = { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' };
    // Not spawn's own `timeout`: its timer outlives a program that cannot be started at all.
    const signal = AbortSignal.timeout(RUN_MS);
    const child = spawn(program, args, { cwd, env, signal, stdio: 'pipe' });
    let said = '';
    child.stdin.end();
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    child.once('error', (error) => resolve({ ok: false, said: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, said }));
  });
}

function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => line.startsWith('E:')) ?? lines.at(-1) ?? '';
}

type Search = { tools: string; notes: Notes; path?: string | undefined };
type Found = { program: string; version: string } | undefined;
type Apt = { apt: string; dpkg: string; tools: string; own: string; notes: Notes };
type Result = { ok: boolean; said: string };
