// The system that faults are done to: the real program in a process of its own, a Postgres with
// fsync, a nats-server, and a client that keeps its own log. Knows no test runner, so that the
// story of `npm run prove` can use it too.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type LocalNats, startNats } from '#deploy/local/nats';
import { freePort } from '#deploy/local/port';
import { type LocalPostgres, startPostgres } from '#deploy/local/postgres';
import { connectBus } from '#libs/bus';
import { openPool } from '#libs/db';
import { type Client, createClient } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { openSecrets } from '../../services/cli/secrets.ts';
import { readSettings } from '../../services/cli/settings.ts';
import {
  type AuditReport,
  auditPoolOptions,
  auditWaybills,
  createOperatorKey,
  MODULES,
} from '../../services/modules.ts';
import { migrateAll } from '../../services/run.ts';
import type { ClientEntry } from '../../services/waybill/audit.ts';
import { guard } from '../support/guard.ts';
import { ServiceProcess } from './service-process.ts';
import { openShop } from './shop.ts';

const run = promisify(execFile);
const notes = { info: () => undefined, warn: () => undefined };
const log = createLogger({ name: 'fault', level: 'silent' });

/** Everything running, with one merchant, and nothing issued yet. */
export async function openFaultSystem(options: FaultOptions = {}): Promise<FaultSystem> {
  await run(process.execPath, ['deploy/local/install.mjs', '--build']);
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-fault-'));
  await chmod(folder, 0o711);
  const postgres = await openPostgres(options.postgresDir ?? join(folder, 'postgres'), options);
  const nats = await openNats(folder);
  const address = `127.0.0.1:${await freePort()}`;
  const env = {
    QUEQIAO_DATABASE_URL: options.databaseUrl?.(postgres.url) ?? postgres.url,
    NATS_URL: nats.url,
    QUEQIAO_STATE_DIR: join(folder, 'state'),
    QUEQIAO_LISTEN: address,
    QUEQIAO_LOG_LEVEL: 'info',
  };
  await migrateAll(MODULES, postgres.url, log);
  const { apiKeyPepper } = await openSecrets(readSettings(env));
  const now = () => new Date();
  const pool = openPool({ url: postgres.url, name: 'fault', log });
  const operatorKey = await createOperatorKey({ pool, pepper: apiKeyPepper, now });
  const service = new ServiceProcess(env, join(folder, 'service.log'));
  await service.start();
  const network = createClient(NetworkService, { address, credentials: { apiKey: operatorKey } });
  using account = createClient(AccountService, { address, credentials: { apiKey: operatorKey } });
  const apiKey = await openShop({ network, account });
  const credentials = { apiKey };
  const waybill = createClient(WaybillService, { address, credentials, deadlineMs: 10_000 });
  const told: ClientEntry[] = [];
  const system = { folder, address, env, postgres, nats, service, network, waybill, apiKey, told };
  return {
    ...system,
    sql: (text, values) => pool.query(text, values),
    audit: (clientLog) => audit(system, clientLog),
    auditDatabase: () => auditDatabase(system),
    async [Symbol.asyncDispose]() {
      network.close();
      waybill.close();
      await service[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
      await nats.end();
      await postgres.end();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Waits until the outbox is published, then proves that client, database and stream agree. */
async function audit(
  { postgres, nats, network, told }: Pick<FaultSystem, 'postgres' | 'nats' | 'network' | 'told'>,
  clientLog: AsyncIterable<ClientEntry> = each(told),
): Promise<AuditReport> {
  await untilServing(network);
  await using pool = openPool({ ...auditPoolOptions, url: postgres.url, log });
  await using bus = connectBus({ url: nats.url, name: 'fault', log });
  await bus.whenConnected(AbortSignal.timeout(30_000));
  const endMs = performance.now() + PUBLISHED_MS;
  for (;;) {
    const [row] = await pool.query<{ count: string }>(
      `select count(*) as count from waybill.outbox, waybill.outbox_position as position
       where (outbox.xid, outbox.id) > (position.xid, position.id)`,
    );
    if (row?.count === '0') break;
    if (performance.now() > endMs) throw new Error(`${row?.count} events are not published`);
    await sleep(50);
  }
  const scan = () => bus.scan('QUEQIAO_WAYBILL');
  return await auditWaybills({ pool, network, scan, clientLog });
}

/** The same of the database alone, without a wait for the relay. */
async function auditDatabase({
  postgres,
  network,
  told,
}: Pick<FaultSystem, 'postgres' | 'network' | 'told'>): Promise<AuditReport> {
  await untilServing(network);
  await using pool = openPool({ ...auditPoolOptions, url: postgres.url, log });
  return await auditWaybills({ pool, network, clientLog: each(told) });
}

/** A client that has seen the service die tries again only after a pause of seconds. */
async function untilServing(network: FaultSystem['network']): Promise<void> {
  const endMs = performance.now() + SERVING_MS;
  for (;;) {
    try {
      await network.listMerchants({ pageSize: 1 });
      return;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await sleep(50);
    }
  }
}

async function* each(entries: ClientEntry[]): AsyncGenerator<ClientEntry> {
  yield* entries;
}

/** What is broken, as `check: example`; empty when all is well. */
export function faultsOf({ checks }: AuditReport): string[] {
  return checks
    .filter(({ violationCount }) => violationCount > 0)
    .map(({ name, violationCount, examples }) => `${name} × ${violationCount}: ${examples[0]}`);
}

async function openPostgres(dataDir: string, options: FaultOptions): Promise<KillablePostgres> {
  const start = (port?: number) =>
    startPostgres({
      dataDir,
      notes,
      settings: { ...options.postgresSettings },
      ...(port !== undefined && { port }),
    });
  let server: LocalPostgres = await start();
  let guarded = guard({ pids: [server.pid], folder: join(dataDir, 'none') });
  const { port, url } = server;
  return {
    url,
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
      guarded[Symbol.dispose]();
    },
    async start() {
      server = await start(port);
      guarded = guard({ pids: [server.pid], folder: join(dataDir, 'none') });
      if (server.port !== port) throw new Error(`Port ${port} was taken while Postgres was down.`);
    },
    async end() {
      await server.stop();
      guarded[Symbol.dispose]();
    },
  };
}

async function openNats(stateDir: string): Promise<KillableNats> {
  const toolsDir = resolve('.queqiao', 'tools');
  const start = async (port?: number): Promise<LocalNats> => {
    const options = { stateDir, toolsDir, notes, url: '', ...(port !== undefined && { port }) };
    const server = await startNats(options);
    if (server === undefined) throw new Error('The fault tests need a nats-server.');
    return server;
  };
  let server = await start();
  const port = server.server?.port ?? 0;
  let guarded = guard({ pids: [server.server?.pid ?? 0], folder: join(stateDir, 'none') });
  return {
    url: server.url,
    async kill() {
      process.kill(server.server?.pid ?? 0, 'SIGKILL');
      await server.stop();
      guarded[Symbol.dispose]();
    },
    async start() {
      server = await start(port);
      guarded = guard({ pids: [server.server?.pid ?? 0], folder: join(stateDir, 'none') });
    },
    async loseStore() {
      await rm(join(stateDir, 'nats', 'store'), { recursive: true, force: true });
    },
    async end() {
      await server.stop();
      guarded[Symbol.dispose]();
    },
  };
}

const PUBLISHED_MS = 60_000;
const SERVING_MS = 15_000;

export type FaultOptions = {
  /** Server settings; fsync stays on. */
  postgresSettings?: Record<string, string>;
  /** Where the database's files are; default a folder that goes with the system. */
  postgresDir?: string;
  /** What the service shall connect to instead, such as a proxy. */
  databaseUrl?: (real: string) => string;
};

type Killable = {
  url: string;
  /** kill -9. */
  kill(): Promise<void>;
  /** Again, on the same port and files. */
  start(): Promise<void>;
  end(): Promise<void>;
};
type KillablePostgres = Killable;
type KillableNats = Killable & {
  /** Deletes the stream's files; only while the server is down. */
  loseStore(): Promise<void>;
};

export type FaultSystem = AsyncDisposable & {
  folder: string;
  /** host:port of the service. */
  address: string;
  env: Record<string, string>;
  postgres: KillablePostgres;
  nats: KillableNats;
  service: ServiceProcess;
  /** As operator. */
  network: Client<typeof NetworkService>;
  /** As the merchant. */
  waybill: Client<typeof WaybillService>;
  /** Of the merchant. */
  apiKey: string;
  /** The client's own log: what it was told, in order. */
  told: ClientEntry[];
  /** On a connection past the service. */
  sql<Row>(text: string, values?: unknown[]): Promise<Row[]>;
  /** By the client's own log, or another one. */
  audit(clientLog?: AsyncIterable<ClientEntry>): Promise<AuditReport>;
  /** Without the stream, at once. */
  auditDatabase(): Promise<AuditReport>;
};
