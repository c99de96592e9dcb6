import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { keptNotes, testFolder } from '#test/support/folder';
import { accountFor } from './account.ts';
import { LockHeld } from './lock.ts';
import { startPostgres } from './postgres.ts';
import { startMark, waitForExit } from './process.ts';

test('keeps its data from one start to the next', async () => {
  await using folder = await testFolder();
  const dataDir = join(folder.path, 'postgres');
  {
    await using first = await startPostgres({ dataDir });
    await query(first.url, `create table parcel as select 'QQ1' as number`);
  }
  await using second = await startPostgres({ dataDir });
  expect(await query(second.url, 'select number from parcel')).toEqual([{ number: 'QQ1' }]);
});

test('is Postgres 18 in UTF-8 with fsync on, for loopback and password holders only', async () => {
  await using folder = await testFolder();
  await using server = await startPostgres({ dataDir: folder.path });
  const [row] = await query(
    server.url,
    `select current_setting('server_version_num')::int / 10000 as version,
            current_setting('server_encoding') as encoding,
            current_setting('fsync') as fsync,
            current_setting('listen_addresses') as addresses`,
  );
  expect(row).toEqual({ version: 18, encoding: 'UTF8', fsync: 'on', addresses: '127.0.0.1' });
  await expect(query(server.url.replace(/:[^:@]+@/, ':wrong@'), 'select')).rejects.toThrow(
    'password authentication failed',
  );
  expect((await stat(join(folder.path, 'password'))).mode & 0o777).toBe(0o600);
});

test('takes another port when the wanted one is taken, and says so', async () => {
  await using folder = await testFolder();
  await using stranger = await listen();
  const notes = keptNotes();
  await using server = await startPostgres({ dataDir: folder.path, port: stranger.port, notes });
  expect(server.port).not.toBe(stranger.port);
  expect(notes.said).toEqual([
    `Port ${stranger.port} is taken; Postgres listens on ${server.port}.`,
  ]);
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('takes the wanted port when it is free', async () => {
  await using folder = await testFolder();
  const { port } = await usingPort();
  await using server = await startPostgres({ dataDir: folder.path, port });
  expect(server.port).toBe(port);
});

test('refuses a folder whose owner runs, and leaves the server alone', async () => {
  await using folder = await testFolder();
  await using server = await startPostgres({ dataDir: folder.path });
  await expect(startPostgres({ dataDir: folder.path })).rejects.toThrow(LockHeld);
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('starts where a killed start has left half a cluster', async () => {
  await using folder = await testFolder();
  await mkdir(join(folder.path, 'cluster.new', 'base'), { recursive: true });
  await writeFile(join(folder.path, 'cluster.new', 'PG_VERSION'), '18\n');
  await using server = await startPostgres({ dataDir: folder.path });
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
});

test('starts over the pid file of a dead server whose pid a stranger has now', async () => {
  await using folder = await testFolder();
  await (await startPostgres({ dataDir: folder.path })).stop();
  const cluster = join(folder.path, 'cluster');
  const account = await accountFor(cluster);
  // The same user as Postgres: only then does Postgres itself take the stranger for a server.
  const stranger = spawn('sleep', ['60'], { ...account, stdio: 'ignore' });
  const pidFile = join(cluster, 'postmaster.pid');
  await writeFile(pidFile, `${stranger.pid}\n${cluster}\n1\n5432\n\n\n\nready\n`);
  await using server = await startPostgres({ dataDir: folder.path });
  expect(await query(server.url, 'select 1 as one')).toEqual([{ one: 1 }]);
  expect(startMark(stranger.pid ?? 0)).toBeDefined();
  stranger.kill();
});

test('comes back after the server itself was killed', async () => {
  await using folder = await testFolder();
  const notes = keptNotes();
  const first = await startPostgres({ dataDir: folder.path, notes });
  await query(first.url, `create table parcel as select 'QQ1' as number`);
  process.kill(first.pid, 'SIGKILL');
  await waitForExit(first.pid, 5_000);
  await first.stop();
  await using second = await startPostgres({ dataDir: folder.path });
  expect(await query(second.url, 'select number from parcel')).toEqual([{ number: 'QQ1' }]);
});

test('says what to do when the password file is gone or wrong', async () => {
  await using folder = await testFolder();
  const dataDir = folder.path;
  await (await startPostgres({ dataDir })).stop();
  await writeFile(join(dataDir, 'password'), 'wrong\n');
  await expect(startPostgres({ dataDir })).rejects.toThrow('Put the right file back, or delete');
  await rm(join(dataDir, 'password'));
  await expect(startPostgres({ dataDir })).rejects.toThrow('is missing or not readable');
});

test('says why Postgres does not start and where its log is', async () => {
  await using folder = await testFolder();
  const settings = { max_connections: 'many' };
  const start = startPostgres({ dataDir: folder.path, settings });
  await expect(start).rejects.toThrow(/invalid value for parameter "max_connections".*server\.log/);
  expect(await readFile(join(folder.path, 'server.log'), 'utf8')).toContain('max_connections');
});

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** A port that was free a moment ago. */
async function usingPort(): Promise<{ port: number }> {
  await using server = await listen();
  return { port: server.port };
}

async function listen(): Promise<AsyncDisposable & { port: number }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
