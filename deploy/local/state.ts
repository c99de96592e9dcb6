import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { LockHeld, lockOwner, takeLock } from './lock.ts';

const FILE = 'local.json';

/**
 * Opens the state folder for this process alone and makes it when missing. Refused, with process
 * and address, while another Queqiao runs on it; the lock of a dead one is taken over.
 */
export async function openState(folder: string): Promise<State> {
  const dir = resolve(folder);
  const secretsDir = join(dir, 'secrets');
  try {
    await mkdir(secretsDir, { recursive: true });
    // As root, Postgres runs as another user, who must pass through to its own folder.
    await chmod(dir, process.getuid?.() === 0 ? 0o711 : 0o700);
    await chmod(secretsDir, 0o700);
  } catch (error) {
    throw new Error(
      `The state folder ${dir} cannot be used (${(error as NodeJS.ErrnoException).code}). ` +
        'Start as its owner, or set QUEQIAO_STATE_DIR to a folder that you may write.',
      { cause: error },
    );
  }
  const lock = await takeLock(dir).catch(async (error) => {
    throw error instanceof LockHeld ? await alreadyRunning(dir, error.pid) : error;
  });
  return { dir, secretsDir, [Symbol.asyncDispose]: lock.release };
}

/** Where the Queqiao of a state folder listens, or did when it ran last. Undefined: never ran. */
export async function readState(folder: string): Promise<LocalState | undefined> {
  const file = join(folder, FILE);
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new Error(`${file} cannot be read (${error.code}). Start as its owner.`);
  });
  if (text === undefined) return undefined;
  const state = parse(text);
  if (state === undefined) throw new Error(`${file} is damaged. Start Queqiao again to renew it.`);
  return state;
}

/** Replaces the file as a whole, readable for its owner only: the database URL has a password. */
export async function writeState(folder: string, state: LocalState): Promise<void> {
  const draft = join(folder, `${FILE}.${randomBytes(4).toString('hex')}`);
  await writeFile(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, join(folder, FILE));
}

/** The process that runs on a state folder now; undefined when none does. */
export async function runningPid(folder: string): Promise<number | undefined> {
  return lockOwner(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

async function alreadyRunning(dir: string, pid: number): Promise<Error> {
  const state = await readState(dir).catch(() => undefined);
  const place = state ? `, gRPC on ${state.grpcAddress}` : '';
  return new Error(
    `Queqiao runs on ${dir} already (process ${pid}${place}). ` +
      `Use that one, stop it with "kill ${pid}", or set QUEQIAO_STATE_DIR to another folder.`,
  );
}

function parse(text: string): LocalState | undefined {
  try {
    const { grpcAddress, databaseUrl, natsUrl } = JSON.parse(text);
    if (typeof grpcAddress !== 'string' || typeof databaseUrl !== 'string') return undefined;
    return { grpcAddress, databaseUrl, natsUrl: typeof natsUrl === 'string' ? natsUrl : undefined };
  } catch {
    return undefined;
  }
}

export type State = AsyncDisposable & {
  dir: string;
  /** For keys and peppers: only its owner may enter. */
  secretsDir: string;
};

export type LocalState = {
  /** host:port */
  grpcAddress: string;
  databaseUrl: string;
  /** Undefined when it runs without NATS. */
  natsUrl: string | undefined;
};
