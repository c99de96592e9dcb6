import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, inject, it } from 'vitest';
import { createLogger } from '#libs/log';
import { testDatabase } from '#test/support/database';
import { testFolder } from '#test/support/folder';
import { MODULES } from '../modules.ts';
import { migrateAll } from '../run.ts';
import { readSettings } from './settings.ts';
import { startSystem } from './system.ts';

const log = createLogger({ name: 'test', level: 'silent' });
const now = () => new Date();

it('gives way to a free port when the default is taken, not when one was asked for', async () => {
  await using database = await testDatabase();
  await migrateAll(MODULES, database.url, log);
  await using folder = await testFolder();
  await using taken = await occupy(50051);
  const env = {
    QUEQIAO_DATABASE_URL: database.url,
    NATS_URL: inject('natsUrl'),
    QUEQIAO_STATE_DIR: join(folder.path, 'state'),
  };
  const said: string[] = [];
  const options = { modules: MODULES, log, now, progress: (text: string) => void said.push(text) };
  const system = await startSystem({ ...options, settings: readSettings(env) });
  expect(system.address).not.toBe('127.0.0.1:50051');
  expect(said).toEqual([expect.stringMatching(/^Port 50051 is taken; using \d+\.$/)]);
  expect(await system.stop()).toEqual([]);

  const asked = readSettings({ ...env, QUEQIAO_LISTEN: `127.0.0.1:${taken.port}` });
  await expect(startSystem({ ...options, settings: asked })).rejects.toThrow(/50051/);
});

/** Holds a port unless somebody else does already. */
function occupy(port: number): Promise<AsyncDisposable & { port: number }> {
  const server = createServer();
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return new Promise((resolve) => {
    const held = { port, [Symbol.asyncDispose]: close };
    server.once('error', () => resolve({ port, [Symbol.asyncDispose]: async () => undefined }));
    server.listen(port, '127.0.0.1', () => resolve(held));
  });
}
