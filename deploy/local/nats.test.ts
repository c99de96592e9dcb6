import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect, inject, test } from 'vitest';
import { keptNotes, testFolder } from '#test/support/folder';
import { installLocal } from '#test/support/local-install';
import { LockHeld } from './lock.ts';
import { natsConfig, startNats } from './nats.ts';
import { startMark, stopProcess } from './process.ts';

const toolsDir = inject('toolsDir');

const STARTER = `
import { startNats } from './local/nats.js';
const nats = await startNats({ stateDir: process.argv[2], toolsDir: process.argv[3], url: '' });
console.log(JSON.stringify({ url: nats.url, pid: nats.server.pid }));
process.stdin.resume().on('end', async () => { await nats.stop(); process.exit(); });
`;

test('runs JetStream and keeps its messages from one start to the next', async () => {
  await using folder = await testFolder();
  const options = { stateDir: folder.path, toolsDir, url: '' };
  {
    await using first = await startNats(options);
    await publish(first?.url);
  }
  await using second = await startNats(options);
  expect(await storedCount(second?.url)).toBe(1);
});

test('a server whose starter was killed is stopped by the next start', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked');
  const stateDir = join(folder.path, 'state');
  const starter = await install.run(STARTER, { args: [stateDir, toolsDir] });
  const left = await starter.next<{ url: string; pid: number }>();
  await publish(left.url);
  await stopProcess(starter.child.pid ?? 0, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
  // The twin of the test: without help the server stays.
  expect(startMark(left.pid)).toBeDefined();

  const notes = keptNotes();
  await using next = await startNats({ stateDir, toolsDir, url: '', notes });
  expect(startMark(left.pid)).toBeUndefined();
  expect(notes.said.join()).toContain(`process ${left.pid}) that an earlier run has left behind`);
  expect(await storedCount(next?.url)).toBe(1);
});

test('leaves a stranger alone who has the pid of a dead server', async () => {
  await using folder = await testFolder();
  await mkdir(join(folder.path, 'nats'));
  await writeFile(join(folder.path, 'nats', 'server.pid'), String(process.pid));
  await using server = await startNats({ stateDir: folder.path, toolsDir, url: '' });
  expect(server?.server?.pid).not.toBe(process.pid);
});

test('takes another port when the wanted one is taken, and says so', async () => {
  await using folder = await testFolder();
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const { port } = stranger.address() as { port: number };
  const notes = keptNotes();
  await using server = await startNats({ stateDir: folder.path, toolsDir, url: '', port, notes });
  expect(server?.server?.port).not.toBe(port);
  expect(notes.said).toEqual([`Port ${port} is taken; NATS listens on ${server?.server?.port}.`]);
  await new Promise((resolve) => stranger.close(resolve));
});

test('refuses a folder whose owner runs', async () => {
  await using folder = await testFolder();
  const options = { stateDir: folder.path, toolsDir, url: '' };
  await using server = await startNats(options);
  await expect(startNats(options)).rejects.toThrow(LockHeld);
  await publish(server?.url);
});

test('uses the server at NATS_URL and starts none', async () => {
  await using folder = await testFolder();
  const url = 'nats://nats.example:4222';
  const nats = await startNats({ stateDir: folder.path, url });
  expect(nats).toMatchObject({ url, server: undefined });
  await nats?.stop();
});

test('does without NATS, with a warning that says what to do, when none can be had', async () => {
  await using folder = await testFolder();
  const notes = keptNotes();
  const nats = await startNats({ stateDir: folder.path, url: '', path: '', notes });
  expect(nats).toBeUndefined();
  expect(notes.said).toHaveLength(1);
  expect(notes.said[0]).toMatch(/wait in the outbox\. Install nats-server .* or set NATS_URL/);
});

test('does without NATS when the server does not start, and says why', async () => {
  await using folder = await testFolder();
  const bin = join(folder.path, 'bin');
  await program(bin, 'nats-server', '[ "$1" = --version ] && echo nats-server: v2.11.0 || exit 3');
  const notes = keptNotes();
  const nats = await startNats({ stateDir: folder.path, url: '', path: bin, notes });
  expect(nats).toBeUndefined();
  expect(notes.said.join()).toMatch(/does not start: it ended with 3 .*server\.log/);
});

test('unpacks the Debian package, with package lists of its own if need be', async () => {
  await using folder = await testFolder();
  const bin = join(folder.path, 'bin');
  // Debian's tools as they behave on a machine without package lists.
  await program(
    bin,
    'apt-get',
    `echo "$*" >> ${folder.path}/calls
     state=$(echo "$*" | /bin/sed -n 's/.*Dir::State=\\([^ ]*\\).*/\\1/p')
     case "$1" in
       update) /usr/bin/touch "$state/updated";;
       download)
         [ -e "$state/updated" ] || { echo 'E: Unable to locate package nats-server'; exit 100; }
         echo package > nats-server_2.9.10_amd64.deb;;
     esac`,
  );
  const inside = '#!/bin/sh\\necho nats-server: v2.9.10\\n';
  await program(
    bin,
    'dpkg-deb',
    `/bin/mkdir -p "$3/usr/sbin"; printf '${inside}' > "$3/usr/sbin/nats-server"
     /bin/chmod 755 "$3/usr/sbin/nats-server"`,
  );
  const notes = keptNotes();
  await startNats({ stateDir: folder.path, url: '', path: bin, notes });
  const calls = (await readFile(join(folder.path, 'calls'), 'utf8')).trim().split('\n');
  expect(calls.map((call) => call.split(' ')[0])).toEqual(['download', 'update', 'download']);
  expect(await readFile(join(folder.path, 'tools', 'nats-server'), 'utf8')).toContain('v2.9.10');
});

test('syncs before it acknowledges where the server can: from 2.10 on', () => {
  const config = (version: string) => natsConfig({ name: 'n', port: 1, home: '/x', version });
  expect(config('2.9.10')).not.toContain('sync_interval');
  for (const version of ['2.10.0', '2.12.7', '3.0.0']) {
    expect(config(version)).toContain('sync_interval: always');
  }
});

async function publish(url: string | undefined): Promise<void> {
  await connected(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'parcels', subjects: ['parcel.>'] });
    await jetstream(connection).publish('parcel.issued', 'QQ1');
  });
}

async function storedCount(url: string | undefined): Promise<number> {
  return connected(url, async (connection) => {
    const manager = await jetstreamManager(connection);
    return (await manager.streams.info('parcels')).state.messages;
  });
}

async function connected<T>(
  url: string | undefined,
  work: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  if (url === undefined) throw new Error('NATS did not start');
  const connection = await connect({ servers: url });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

async function program(folder: string, name: string, script: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
