import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openPool } from '#libs/db';
import { createLogger } from '#libs/log';
import type { Clock } from '#libs/run';
import { createOperatorKey } from '../modules.ts';
import type { Connection } from './context.ts';
import type { System } from './system.ts';

/**
 * Notes in the state folder where the system is, and an operator's key for the commands on this
 * machine, made at the first start. The file is for its owner alone.
 */
export async function announce(stateDir: string, system: System, now: Clock): Promise<LocalState> {
  const known = readState(stateDir);
  const state: LocalState = {
    ...known,
    address: system.address,
    natsUrl: system.natsUrl,
    operatorKey: known?.operatorKey ?? (await makeOperatorKey(system, now)),
  };
  await writeState(stateDir, state);
  return state;
}

export async function writeState(stateDir: string, state: LocalState): Promise<void> {
  const draft = join(stateDir, 'local.json.draft');
  await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(stateDir, 'local.json'));
}

export function readState(stateDir: string): LocalState | undefined {
  try {
    return JSON.parse(readFileSync(join(stateDir, 'local.json'), 'utf8')) as LocalState;
  } catch {
    return undefined;
  }
}

/** From QUEQIAO_ADDRESS and QUEQIAO_API_KEY, else from a local system's state folder. */
export function connectionFrom(env: NodeJS.ProcessEnv, as?: 'operator'): Connection {
  const state = readState(resolve(env['QUEQIAO_STATE_DIR'] ?? '.queqiao'));
  const address = env['QUEQIAO_ADDRESS'] ?? state?.address;
  const merchantKey = as === 'operator' ? undefined : state?.merchantKey;
  const apiKey = env['QUEQIAO_API_KEY'] ?? merchantKey ?? state?.operatorKey;
  if (address === undefined || apiKey === undefined) {
    throw new Error(
      'No Queqiao is known here. Run `npm start` in this folder first, or set QUEQIAO_ADDRESS ' +
        '(host:port) and QUEQIAO_API_KEY.',
    );
  }
  return { address, apiKey, natsUrl: env['NATS_URL'] ?? state?.natsUrl };
}

async function makeOperatorKey(system: System, now: Clock): Promise<string> {
  const log = createLogger({ name: 'queqiao', level: 'warn' });
  await using pool = openPool({ url: system.databaseUrl, name: 'queqiao-bootstrap', log });
  return createOperatorKey({ pool, pepper: system.secrets.apiKeyPepper, now });
}

/** What `.queqiao/local.json` holds. */
export type LocalState = {
  address: string;
  natsUrl: string | undefined;
  /** May do everything; made once. */
  operatorKey: string;
  /** Of the demo merchant, when the demo was loaded. */
  merchantKey?: string;
};
