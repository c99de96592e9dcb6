import { existsSync } from 'node:fs';
import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { startMark, stopProcess, waitForExit } from '#deploy/local/process';
import { testDatabase } from './database.ts';
import { testFolder } from './folder.ts';
import { installLocal } from './local-install.ts';
import { startTestNats, testNats } from './nats.ts';

// Starts something that outlives it, under guard.
const RUN = `
import { spawn } from 'node:child_process';
import { guard } from './local/guard.js';
const server = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
guard({ pids: [server.pid], folder: process.argv[2] });
console.log(JSON.stringify({ pid: server.pid }));
process.stdin.resume();
`;

test('gives every caller a database of its own and drops it afterwards', async () => {
  let name = '';
  {
    await using one = await testDatabase();
    await using other = await testDatabase();
    name = one.name;
    await one.query('create table parcel (number text)');
    expect(await other.query(`select to_regclass('parcel') as found`)).toEqual([{ found: null }]);
  }
  await using later = await testDatabase();
  const found = await later.query('select from pg_database where datname = $1', [name]);
  expect(found).toHaveLength(0);
});

test('gives the shared nats-server with JetStream and a name for one test', async () => {
  const { url, prefix } = testNats();
  expect(testNats().prefix).not.toBe(prefix);
  const connection = await connect({ servers: url });
  expect(connection.info?.jetstream).toBe(true);
  await connection.close();
});

test('brings a killed nats-server back on the same port', async () => {
  await using nats = await startTestNats();
  await nats.kill();
  await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow();
  await nats.start();
  const connection = await connect({ servers: nats.url });
  await connection.close();
});

test('leaves no server and no folder behind when a test run is killed', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked', ['test/support/guard.ts']);
  const guarded = await testFolder();
  const run = await install.run(RUN, { args: [guarded.path] });
  const { pid } = await run.next<{ pid: number }>();
  expect(startMark(pid)).toBeDefined();
  await stopProcess(run.child.pid ?? 0, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
  expect(await waitForExit(pid, 10_000)).toBe(true);
  await expect.poll(() => existsSync(guarded.path), { timeout: 20_000 }).toBe(false);
});
