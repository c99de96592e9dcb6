import { join } from 'node:path';
import { type LocalNats, startNats } from '#deploy/local/nats';
import { freePort } from '#deploy/local/port';
import { type LocalPostgres, startPostgres } from '#deploy/local/postgres';
import { openState, type State } from '#deploy/local/state';
import type { Logger } from '#libs/log';
import type { Module } from '../module.ts';
import { migrateAll, type RunningServices, runServices } from '../run.ts';
import { openSecrets } from './secrets.ts';
import type { Settings } from './settings.ts';

/**
 * A running Queqiao: the servers it needs, unless settings name others, and the services. What it
 * started itself it also migrates; a database of the operator's own is only checked.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { settings, modules, log, now, progress } = options;
  const { stateDir } = settings;
  // The lock is for the local servers: with servers of their own, many may share the folder.
  let state: State | undefined;
  if (settings.databaseUrl === undefined) state = await openState(stateDir);
  const secrets = await openSecrets(settings);
  let postgres: LocalPostgres | undefined;
  let nats: LocalNats | undefined;
  let services: RunningServices | undefined;
  const stop = async (): Promise<Error[]> => {
    const problems = (await services?.stop(settings.shutdownGraceMs)) ?? [];
    await nats?.stop();
    await postgres?.stop();
    await state?.[Symbol.asyncDispose]();
    return problems;
  };
  try {
    if (settings.databaseUrl === undefined) {
      progress('Starting Postgres …');
      postgres = await startPostgres({ dataDir: join(stateDir, 'postgres') });
    }
    const databaseUrl = settings.databaseUrl ?? (postgres as LocalPostgres).url;
    if (settings.natsUrl === undefined) {
      progress('Starting NATS …');
      nats = await startNats({ stateDir });
    }
    const natsUrl = settings.natsUrl ?? nats?.url;
    if (postgres !== undefined) {
      progress('Bringing the database up to date …');
      await migrateAll(modules, databaseUrl, log);
    }
    const listen = await listenAddress(settings, progress);
    if (settings.tls === undefined && !LOOPBACK.test(listen)) {
      log.warn({ listen }, 'serving beyond this machine without TLS: keys can be read on the way');
    }
    services = await runServices({
      modules,
      databaseUrl,
      natsUrl,
      listen,
      networkAddress: settings.networkAddress,
      secrets,
      tls: settings.tls,
      limits: settings.callLimits,
      settings: { cancelRatio: settings.cancelRatio, labelPrintsMax: settings.labelPrintsMax },
      // Reflection tells the whole contract: for programmers on this machine only.
      reflection: LOOPBACK.test(listen),
      log,
      now,
    });
    const { address } = services;
    return { address, natsUrl, databaseUrl, secrets, caFile: settings.tls?.caFile, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The address asked for; the default one gives way to a free port when it is taken. */
async function listenAddress(
  { listen, isListenGiven }: Settings,
  progress: (sentence: string) => void,
): Promise<string> {
  if (isListenGiven) return listen;
  const [host, wanted] = listen.split(':');
  const port = await freePort(Number(wanted));
  if (port !== Number(wanted)) progress(`Port ${wanted} is taken; using ${port}.`);
  return `${host}:${port}`;
}

const LOOPBACK = /^(127\.|localhost:|\[::1\])/;

export type SystemOptions = {
  settings: Settings;
  modules: readonly Module[];
  log: Logger;
  now: () => Date;
  /** Told what is going on, for people. */
  progress: (sentence: string) => void;
};

export type System = {
  /** host:port of the gRPC server. */
  address: string;
  natsUrl: string | undefined;
  databaseUrl: string;
  /** Authority of its certificate, if it serves over TLS. */
  caFile: string | undefined;
  secrets: Awaited<ReturnType<typeof openSecrets>>;
  /** Stops all in order; answers what did not close well. */
  stop(): Promise<Error[]>;
};
