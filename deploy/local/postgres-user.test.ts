import { chmod, mkdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { beforeAll, expect, test } from 'vitest';
import { keptNotes, testFolder } from '#test/support/folder';
import { giveTo, installLocal, type Running } from '#test/support/local-install';
import { firstBarrier, runAs } from './account.ts';
import { startPostgres } from './postgres.ts';
import { postgresPrograms } from './postgres-programs.ts';
import { startMark, stopProcess } from './process.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const asOrdinaryUser = isRoot ? NOBODY : undefined;

// Starts Postgres, says where, and stops it at the end of its stdin or at SIGINT.
const STARTER = `
import { startPostgres } from './local/postgres.js';
const server = await startPostgres({ dataDir: process.argv[2] });
const stop = async () => { await server.stop(); process.exit(); };
process.stdin.resume().on('end', stop);
process.on('SIGINT', () => console.log('{ "interrupted": true }'));
console.log(JSON.stringify({ url: server.url, pid: server.pid }));
`;

beforeAll(() => {
  // The default umask of some machines closes new folders to others.
  process.umask(0o022);
});

test('an ordinary user starts it in a folder that nobody else may enter', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path);
  if (asOrdinaryUser) await giveTo(folder.path, asOrdinaryUser);
  const dataDir = join(folder.path, '.queqiao', 'postgres');
  await using starter = await install.run(STARTER, { uid: asOrdinaryUser, args: [dataDir] });
  const { url } = await starter.next<Started>();
  expect(await one(url)).toBe(1);
  const owner = asOrdinaryUser ?? process.getuid?.();
  expect((await stat(join(dataDir, 'cluster'))).uid).toBe(owner);
});

test('a server whose starter was killed is stopped by the next start, data and all', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked');
  const dataDir = join(folder.path, 'postgres');
  const starter = await install.run(STARTER, { args: [dataDir] });
  const left = await starter.next<Started>();
  await run(left.url, `create table parcel as select 'QQ1' as number`);
  await kill(starter);
  // The twin of the test: without help the server stays.
  expect(startMark(left.pid)).toBeDefined();
  expect(await one(left.url)).toBe(1);

  const notes = keptNotes();
  await using next = await startPostgres({ dataDir, notes });
  expect(startMark(left.pid)).toBeUndefined();
  expect(notes.said.join()).toContain(`process ${left.pid}) that an earlier run has left behind`);
  expect(await run(next.url, 'select number from parcel')).toEqual([{ number: 'QQ1' }]);
});

test('Ctrl-C in a terminal reaches the starter and not the server', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked');
  await using starter = await install.run(STARTER, { args: [join(folder.path, 'postgres')] });
  const { url } = await starter.next<Started>();
  // A terminal signals the whole process group.
  process.kill(-(starter.child.pid ?? 0), 'SIGINT');
  expect(await starter.next()).toEqual({ interrupted: true });
  expect(await one(url)).toBe(1);
});

test('library links that npm has not made are made', async () => {
  await using folder = await testFolder();
  const { native } = await installLocal(folder.path);
  const links = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const { target } of links) await rm(join(native, '..', target));
  expect(runAs(undefined, join(native, 'bin', 'postgres'), ['--version']).ok).toBe(false);

  expect(await postgresPrograms(undefined, keptNotes(), { from: native })).toBe(native);
  expect(await readlink(join(native, 'lib', 'libpq.so.5'))).toMatch(/^libpq\.so\.5\.\d+$/);
});

test('programs that do not start at all are reported with a way out', async () => {
  await using folder = await testFolder();
  const from = await brokenPrograms(folder.path);
  const caches = [join(folder.path, 'cache')];
  const search = postgresPrograms(undefined, keptNotes(), { from, caches });
  await expect(search).rejects.toThrow(/do not start here .*wrong kind.*QUEQIAO_DATABASE_URL/);
});

test('a copy is never taken from a folder that others may write', async () => {
  await using folder = await testFolder();
  const from = await brokenPrograms(folder.path);
  const cache = join(folder.path, 'cache');
  await mkdir(cache);
  await chmod(cache, 0o777);
  const search = postgresPrograms(undefined, keptNotes(), { from, caches: [cache] });
  await expect(search).rejects.toThrow('only this user may write');
});

// Only root runs Postgres as somebody else; for an ordinary user these cases do not exist.
test.runIf(isRoot)('root: programs behind a closed door run from a copy', async () => {
  await using closed = await testFolder(0o700);
  await using cache = await testFolder();
  const { native } = await installLocal(closed.path);
  const account = { uid: NOBODY, gid: NOBODY };
  const places = { from: native, caches: [join(cache.path, 'queqiao')] };
  const notes = keptNotes();
  const copy = await postgresPrograms(account, notes, places);
  expect(copy.startsWith(cache.path)).toBe(true);
  expect(notes.said.join()).toContain('out of reach');
  expect(runAs(account, join(copy, 'bin', 'initdb'), ['--version']).ok).toBe(true);
  // The second time the copy is there.
  expect(await postgresPrograms(account, keptNotes(), places)).toBe(copy);
});

test.runIf(isRoot)(
  'root: a data folder behind a closed door gets its files elsewhere',
  async () => {
    await using closed = await testFolder(0o700);
    await using fallback = await testFolder();
    const dataDir = join(closed.path, 'postgres');
    const notes = keptNotes();
    const options = { dataDir, fallbackDir: fallback.path, notes };
    {
      await using first = await startPostgres(options);
      await run(first.url, `create table parcel as select 'QQ1' as number`);
    }
    const place = (await readFile(join(dataDir, 'location'), 'utf8')).trim();
    expect(place.startsWith(fallback.path)).toBe(true);
    expect(notes.said).toEqual([
      `The database files are in ${place}: as root, Postgres runs as user ${NOBODY}, ` +
        `which may not enter ${closed.path}.`,
    ]);
    await using second = await startPostgres(options);
    expect(await run(second.url, 'select number from parcel')).toEqual([{ number: 'QQ1' }]);
  },
);

test.runIf(isRoot)('root: names the door that was closed after the first start', async () => {
  await using folder = await testFolder();
  const dataDir = join(folder.path, 'postgres');
  await (await startPostgres({ dataDir })).stop();
  await chmod(folder.path, 0o700);
  await expect(startPostgres({ dataDir })).rejects.toThrow(`chmod o+x ${folder.path}`);
});

test.runIf(isRoot)('root: runs the server as the ordinary user who made the data', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path);
  // Any user but nobody that every machine knows: `daemon`.
  const other = 1;
  await giveTo(folder.path, other);
  const dataDir = join(folder.path, '.queqiao', 'postgres');
  {
    await using starter = await install.run(STARTER, { uid: other, args: [dataDir] });
    await starter.next();
  }
  await using server = await startPostgres({ dataDir });
  expect(await one(server.url)).toBe(1);
  expect((await stat(`/proc/${server.pid}`)).uid).toBe(other);
});

test.runIf(isRoot)('finds the first folder that a user may not enter', async () => {
  await using folder = await testFolder();
  const inner = join(folder.path, 'closed', 'inner');
  await mkdir(inner, { recursive: true });
  const account = { uid: NOBODY, gid: NOBODY };
  expect(firstBarrier(account, inner)).toBeUndefined();
  await chmod(join(folder.path, 'closed'), 0o700);
  expect(firstBarrier(account, inner)).toBe(join(folder.path, 'closed'));
});

/** Programs as they look on a machine that they are not made for. */
async function brokenPrograms(folder: string): Promise<string> {
  const native = join(folder, 'native');
  await mkdir(join(native, 'bin'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "version": "1.0.0" }');
  await writeFile(join(native, 'pg-symlinks.json'), '[]');
  for (const name of ['postgres', 'initdb']) {
    const program = '#!/bin/sh\necho wrong kind of machine >&2\nexit 126\n';
    await writeFile(join(native, 'bin', name), program, { mode: 0o755 });
  }
  return native;
}

async function kill(starter: Running): Promise<void> {
  await stopProcess(starter.child.pid ?? 0, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
}

async function one(url: string): Promise<unknown> {
  const [row] = await run(url, 'select 1 as one');
  return row?.['one'];
}

async function run(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

type Started = { url: string; pid: number };
