import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type LocalState, readState, writeState } from '#deploy/local/state';
import { type Bus, connectBus } from '#libs/bus';
import { openPool, type Pool, type PoolOptions } from '#libs/db';
import { RpcError } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { createLogger } from '#libs/log';
import type { Clock } from '#libs/run';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { createOperatorKey } from '../modules.ts';
import type { CliContext, Connection } from './context.ts';
import { readSettings } from './settings.ts';
import type { System } from './system.ts';

// API keys for the commands on this machine stand in the state folder's secrets, one file each.
const OPERATOR_KEY = 'operator.api-key';
const MERCHANT_KEY = 'merchant.api-key';

/**
 * Notes in the state folder where the system is, and sees to an operator's key that opens it.
 * Answers the key.
 */
export async function announce(stateDir: string, system: System, now: Clock): Promise<string> {
  const { address, databaseUrl, natsUrl } = system;
  await writeState(stateDir, { grpcAddress: address, databaseUrl, natsUrl });
  const known = readKey(stateDir, OPERATOR_KEY);
  if (known !== undefined && (await opens(system, known))) return known;
  const log = createLogger({ name: 'queqiao', level: 'warn' });
  await using pool = openPool({ url: databaseUrl, name: 'queqiao-bootstrap', log });
  const key = await createOperatorKey({ pool, pepper: system.secrets.apiKeyPepper, now });
  await writeKey(stateDir, OPERATOR_KEY, key);
  return key;
}

/** The key of the demo's merchant, if it opens the system. */
export async function merchantKey(stateDir: string, server: Server): Promise<string | undefined> {
  const known = readKey(stateDir, MERCHANT_KEY);
  return known !== undefined && (await opens(server, known)) ? known : undefined;
}

export function writeMerchantKey(stateDir: string, key: string): Promise<void> {
  return writeKey(stateDir, MERCHANT_KEY, key);
}

/**
 * How commands find the services: QUEQIAO_ADDRESS and QUEQIAO_API_KEY, else the system of the
 * state folder, as its demo merchant or, where a command asks for it, its operator.
 */
export async function connector(env: NodeJS.ProcessEnv): Promise<(as?: 'operator') => Connection> {
  const stateDir = resolve(env['QUEQIAO_STATE_DIR'] || '.queqiao');
  const state: LocalState | undefined = await readState(stateDir).catch(() => undefined);
  return (as) => {
    const address = env['QUEQIAO_ADDRESS'] ?? state?.grpcAddress;
    const operator = () => readKey(stateDir, OPERATOR_KEY);
    const local = (as === 'operator' ? undefined : readKey(stateDir, MERCHANT_KEY)) ?? operator();
    const apiKey = env['QUEQIAO_API_KEY'] ?? local;
    if (address === undefined || apiKey === undefined) {
      throw new Error(
        'No Queqiao is known here. Run `npm start` in this folder first, or set QUEQIAO_ADDRESS ' +
          '(host:port) and QUEQIAO_API_KEY.',
      );
    }
    return { address, apiKey, natsUrl: env['NATS_URL'] ?? state?.natsUrl };
  };
}

/**
 * The database and NATS themselves, for an operator's tools: as the settings say, else those of
 * the state folder. `natsUrl` null leaves NATS out; otherwise its absence is an error.
 */
export async function openServers(
  context: Pick<CliContext, 'env' | 'connection'>,
  options: { pool: Omit<PoolOptions, 'url' | 'log'>; natsUrl: string | null | undefined },
): Promise<OpenServers> {
  const { env } = context;
  const settings = readSettings(env);
  const state = await readState(settings.stateDir);
  const url = settings.databaseUrl ?? state?.databaseUrl;
  if (url === undefined) throw new Error('No database is known here; set QUEQIAO_DATABASE_URL.');
  const log = createLogger({ name: 'queqiao', level: 'silent' });
  let bus: Bus | undefined;
  if (options.natsUrl !== null) {
    const natsUrl = options.natsUrl ?? settings.natsUrl ?? state?.natsUrl;
    if (natsUrl === undefined) throw new Error('No NATS is known here; set NATS_URL.');
    bus = connectBus({ url: natsUrl, name: 'queqiao-cli', log });
    try {
      await bus.whenConnected(AbortSignal.timeout(NATS_WAIT_MS));
    } catch {
      await bus[Symbol.asyncDispose]();
      // The URL may hold a password.
      throw new Error(`No NATS answers at ${new URL(natsUrl).host}.`);
    }
  }
  const pool = openPool({ ...options.pool, url, log });
  return {
    pool,
    bus,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await bus?.[Symbol.asyncDispose]();
    },
  };
}

/** A key may be left from a database that is gone. */
async function opens({ address, caFile }: Server, apiKey: string): Promise<boolean> {
  using client = createClient(NetworkService, { address, caFile, credentials: { apiKey } });
  try {
    await client.listMerchants({ pageSize: 1 });
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'API_KEY_INVALID') return false;
    throw error;
  }
}

type Server = Pick<System, 'address' | 'caFile'>;

function readKey(stateDir: string, name: string): string | undefined {
  try {
    return readFileSync(join(stateDir, 'secrets', name), 'utf8').trim();
  } catch {
    return undefined;
  }
}

const NATS_WAIT_MS = 10_000;

export type OpenServers = AsyncDisposable & { pool: Pool; bus: Bus | undefined };

async function writeKey(stateDir: string, name: string, key: string): Promise<void> {
  await writeFile(join(stateDir, 'secrets', name), `${key}\n`, { mode: 0o600 });
}
