import { type Bus, connectBus } from '#libs/bus';
import {
  assertMigrated,
  assertWalled,
  migrate,
  openPool,
  type Pool,
  type Relay,
  roleOf,
  startRelay,
} from '#libs/db';
import { openDirectory } from '#libs/directory';
import { RpcError } from '#libs/errors';
import { type Client, createClient, type Limits, startServer, type TlsFiles } from '#libs/grpc';
import type { Logger } from '#libs/log';
import { type Clock, type Closable, closeInOrder, projectFile } from '#libs/run';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { Module, ModuleSettings, RunningModule, Secrets } from './module.ts';

/**
 * Runs services in this process behind one gRPC port. Between services there is only gRPC and
 * events, also when all run here: they reach the network service by its address like anyone else.
 */
export async function runServices(options: RunOptions): Promise<RunningServices> {
  const { modules, natsUrl, listen, secrets, settings, tls, log, now } = options;
  const opened: Closable[] = [];
  // Closed in reverse order of opening.
  const closeAll = (graceMs: number) => closeInOrder(opened.toReversed(), graceMs);
  const keep: Keep = (name, resource, close) => {
    opened.push({ name, close });
    return resource;
  };
  try {
    const bus = connectBus({ url: natsUrl, name: 'queqiao', log });
    keep('bus', bus, () => bus[Symbol.asyncDispose]());
    let networkAddress = options.networkAddress ?? '';
    let client: Client<typeof NetworkService> | undefined;
    const network = () => {
      const credentials = tls
        ? { certificate: tls, service: 'network' }
        : { serviceName: 'queqiao', secret: secrets.serviceSecret, now };
      client ??= createClient(NetworkService, { address: networkAddress, credentials });
      return client;
    };
    keep('network client', network, () => client?.close());
    const directory = await openDirectory({ network, bus, now });
    keep('directory', directory, () => directory[Symbol.asyncDispose]());

    const running: RunningModule[] = [];
    for (const module of modules) {
      const relayPool = await relayPoolOf(module, options, keep);
      const pool = await poolOf(module, options, keep);
      const relay = relayOf(module, { pool: relayPool, bus, log }, keep);
      const started = await module.start({
        ...{ pool, relay, bus, directory, secrets, settings, log, now },
      });
      keep(module.name, started, () => started[Symbol.asyncDispose]());
      running.push(started);
    }

    const server = await startServer({
      listen,
      services: running.flatMap(({ services }) => services),
      authenticate: (secret) => directory.identity(secret),
      serviceSecret: secrets.serviceSecret,
      tls,
      limits: options.limits ?? {},
      health: { check: (service) => isServing(running, service) },
      reflection: options.reflection,
      log,
      now,
    });
    keep('server', server, () => server.stop({ graceMs: 15_000 }));
    networkAddress ||= server.address;
    return { address: server.address, stop: closeAll };
  } catch (error) {
    await closeAll(5_000);
    throw error;
  }
}

/** The service's own, in the role that row-level security holds for. */
async function poolOf(
  { name }: Module,
  { databaseUrl, log }: RunOptions,
  keep: Keep,
): Promise<Pool> {
  const role = roleOf(name);
  const pool = openPool({ url: databaseUrl, name: `queqiao-${name}`, role, log });
  keep(`${name} pool`, pool, () => pool[Symbol.asyncDispose]());
  await assertWalled(pool, name);
  return pool;
}

/**
 * A relay has connections of its own, so that a rush of calls cannot starve it; it owns the outbox.
 * The service's role is there only once the schema is up to date.
 */
async function relayPoolOf(module: Module, options: RunOptions, keep: Keep): Promise<Pool> {
  const { databaseUrl, log } = options;
  const { name } = module;
  const pool = openPool({
    url: databaseUrl,
    name: `queqiao-${name}-relay`,
    maxConnections: 3,
    log,
  });
  keep(`${name} relay pool`, pool, () => pool[Symbol.asyncDispose]());
  await assertMigrated(pool, name, foldersOf(module));
  return pool;
}

function relayOf({ name, stream }: Module, { pool, bus, log }: RelayDeps, keep: Keep): Relay {
  const relay = startRelay({
    pool,
    schema: name,
    async publish(events) {
      await bus.publish(events.map((event) => ({ ...event, time: event.createTime })));
    },
    async streamIdentity() {
      const identity = await bus.streamIdentity(stream);
      if (identity === undefined) throw new RpcError('DEPENDENCY_DOWN');
      return identity.created;
    },
    log,
  });
  return keep(`${name} relay`, relay, () => relay[Symbol.asyncDispose]());
}

async function isServing(running: RunningModule[], service: string): Promise<boolean> {
  const owner = running.find(({ services }) =>
    services.some(({ desc }) => desc.typeName === service),
  );
  return owner !== undefined && (await owner.check());
}

/** Brings the schemas of modules up to date; safe to run twice and by two at once. */
export async function migrateAll(
  modules: readonly Module[],
  databaseUrl: string,
  log: Logger,
): Promise<void> {
  for (const module of modules) {
    await migrate({ url: databaseUrl, schema: module.name, dirs: foldersOf(module), log });
  }
}

function foldersOf({ migrations }: Module): string[] {
  return migrations.map((folder) => projectFile(folder));
}

type RelayDeps = { pool: Pool; bus: Bus; log: Logger };
type Keep = <T>(name: string, resource: T, close: () => unknown) => T;

export type RunOptions = {
  modules: readonly Module[];
  databaseUrl: string;
  natsUrl: string | undefined;
  /** host:port; port 0 takes any free one. */
  listen: string;
  /** Where the network service is; this process itself if not given. */
  networkAddress?: string | undefined;
  secrets: Secrets;
  /** The process's certificate; without it, plain connections and a shared secret. */
  tls?: TlsFiles | undefined;
  limits?: Partial<Limits>;
  settings: ModuleSettings;
  reflection: boolean;
  log: Logger;
  now: Clock;
};

export type RunningServices = {
  /** host:port that the server listens on. */
  address: string;
  /** Answers what did not close well. */
  stop(graceMs: number): Promise<Error[]>;
};
