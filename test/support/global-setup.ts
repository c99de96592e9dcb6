import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '#deploy/local/postgres';
import { guard } from './guard.ts';
import { launchNats } from './nats.ts';

/** One Postgres and one nats-server for the whole run, with files in a temporary folder. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-test-'));
  // As root, Postgres runs as another user, and mkdtemp lets nobody else in.
  await chmod(folder, 0o711);
  const toolsDir = resolve('.queqiao', 'tools');
  const said: string[] = [];
  const note = (sentence: string) => void said.push(sentence);
  const postgres = await startPostgres({
    dataDir: join(folder, 'postgres'),
    notes: { info: note, warn: note },
    settings: {
      // Two test files at a time, each with several pools.
      max_connections: '300',
      // Dropping a database writes a checkpoint: 31 ms without fsync, 1,400 ms with it on two busy
      // cores. Nothing here outlives a power cut; tests of that start a server of their own.
      fsync: 'off',
      full_page_writes: 'off',
    },
  }).catch(async (error: Error) => {
    await rm(folder, { recursive: true, force: true });
    throw new Error(`The tests need Postgres. ${error.message}`);
  });
  let guarded: Disposable | undefined;
  const teardown = async (stopNats?: () => Promise<void>) => {
    await stopNats?.();
    await postgres.stop();
    guarded?.[Symbol.dispose]();
    await rm(folder, { recursive: true, force: true });
  };
  const nats = await launchNats({ stateDir: folder, toolsDir }).catch(async (error) => {
    await teardown();
    throw error;
  });
  const pids = [postgres.pid, nats.server?.pid].filter((pid) => pid !== undefined);
  guarded = guard({ pids, folder });
  project.provide('postgresUrl', postgres.url);
  project.provide('natsUrl', nats.url);
  project.provide('toolsDir', toolsDir);
  return () => teardown(nats.stop);
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Superuser's URL of the shared Postgres. */
    postgresUrl: string;
    /** The shared nats-server. */
    natsUrl: string;
    /** Where a nats-server that was fetched for the tests is kept. */
    toolsDir: string;
  }
}
