import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { plainEnvironment, runAs } from './account.ts';
import { takeLock } from './lock.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { type Notes, stderrNotes } from './note.ts';
import { freePort } from './port.ts';
import { makePrivate, openFolder, type PostgresFolder } from './postgres-folder.ts';
import { OWN_SERVER, type ProgramPlaces, postgresPrograms } from './postgres-programs.ts';
import { commandLine, type StopStep, startMark, stopProcess } from './process.ts';

const USER = 'queqiao';
const DATABASE = 'queqiao';
const READY_MS = 120_000;
const SLOW_MS = 5_000;

// Fast shutdown, then immediate shutdown (recovery at the next start), then the hard way.
const STOP: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 30_000 },
  { signal: 'SIGQUIT', waitMs: 5_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

/**
 * Starts a real Postgres 18 on 127.0.0.1 with its data in `dataDir`, which is made when missing,
 * and answers when it takes connections. A server that a killed process has left running on the
 * same data is stopped first; a data folder in use by a running process is refused (LockHeld).
 * Errors are sentences that say what to do.
 */
export async function startPostgres(options: PostgresOptions): Promise<LocalPostgres> {
  const notes = options.notes ?? stderrNotes;
  const folder = await openFolder(resolve(options.dataDir), notes, options.fallbackDir);
  const programs = await postgresPrograms(folder.account, notes, options.programs);
  const lock = await takeLock(folder.home);
  try {
    await stopLeftOver(folder.cluster, notes);
    const password = await prepareCluster(folder, programs);
    const { child, port } = await launch({ folder, programs, options, notes });
    const url = `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
    let stopping: Promise<void> | undefined;
    const stop = () => {
      stopping ??= end(child).finally(() => lock.release());
      return stopping;
    };
    child.once('exit', (code, signal) => {
      if (stopping === undefined) notes.warn(`Postgres has ended by itself (${signal ?? code}).`);
    });
    await createDatabase(url, folder).catch(async (error) => {
      await stop();
      throw error;
    });
    return { url, port, pid: child.pid ?? 0, stop, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Stops the server that runs on these files; clears its pid file when a stranger has its pid. */
async function stopLeftOver(cluster: string, notes: Notes): Promise<void> {
  const pid = (await readPidFile(cluster))?.pid;
  if (pid === undefined || startMark(pid) === undefined) return;
  const command = commandLine(pid);
  if (command.includes('postgres') && command.includes(cluster)) {
    notes.info(`Stopping the Postgres (process ${pid}) that an earlier run has left behind.`);
    await stopProcess(pid, STOP);
  } else {
    // Postgres itself would refuse to start: it only sees that some process has this pid.
    await rm(join(cluster, 'postmaster.pid'), { force: true });
  }
}

/** Makes the cluster if there is none yet; answers the password of its superuser. */
async function prepareCluster(folder: PostgresFolder, programs: string): Promise<string> {
  const passwordFile = join(folder.own, 'password');
  if (await isThere(folder.cluster)) {
    const password = await readFile(passwordFile, 'utf8').catch(() => undefined);
    if (password !== undefined) return password.trim();
    throw new Error(
      `${passwordFile} is missing or not readable, and ${folder.cluster} opens only with it. ` +
        'Put it back, start as its owner, or delete both to begin with an empty database.',
    );
  }
  const password = randomBytes(24).toString('hex');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  // Under another name until it is whole, so that a start that was killed leaves no half cluster.
  const draft = `${folder.cluster}.new`;
  await rm(draft, { recursive: true, force: true });
  await makePrivate(draft, folder.account);
  const handOver = join(folder.home, 'password.initdb');
  await writeFile(handOver, `${password}\n`, { mode: 0o600 });
  if (folder.account) await chown(handOver, folder.account.uid, folder.account.gid);
  const result = runAs(folder.account, join(programs, 'bin', 'initdb'), [
    ...['--pgdata', draft, '--username', USER, '--pwfile', handOver],
    ...['--auth=scram-sha-256', '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'],
  ]);
  await rm(handOver, { force: true });
  if (!result.ok) {
    throw new Error(`The database files cannot be made. ${result.said} Mend that, ${OWN_SERVER}`);
  }
  await rename(draft, folder.cluster);
  return password;
}

/** Starts the server; another port is taken when somebody is quicker on the free one. */
async function launch({ folder, programs, options, notes }: Launch): Promise<Launched> {
  for (let tries = 1; ; tries += 1) {
    const port = await freePort(options.port);
    if (options.port !== undefined && port !== options.port) {
      notes.info(`Port ${options.port} is taken; Postgres listens on ${port}.`);
    }
    using log = openLogFile(join(folder.own, 'server.log'));
    const child = spawnServer({ folder, programs, port, log, settings: options.settings });
    try {
      await untilReady({ child, cluster: folder.cluster, notes });
      return { child, port };
    } catch (error) {
      // Backends of a postmaster that was killed end by themselves within moments.
      const passing = /could not create any TCP\/IP sockets|pre-existing shared memory/;
      if (!passing.test(log.said()) || tries === 20) throw explain(error, log);
      await sleep(100 * tries);
    }
  }
}

function spawnServer({ folder, programs, port, log, settings }: Spawn): ChildProcess {
  const all = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    // Nothing connects through a socket file, and its path limit of 107 bytes is a trap.
    unix_socket_directories: '',
    // A failed statement may hold a consignee's data as literals.
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    ...settings,
  };
  const child = spawn(
    join(programs, 'bin', 'postgres'),
    ['-D', folder.cluster, ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
    {
      ...folder.account,
      cwd: '/',
      env: plainEnvironment(),
      stdio: ['ignore', log.fd, log.fd],
      // An own process group: Ctrl-C in a terminal reaches us, and we stop Postgres last.
      detached: true,
    },
  );
  child.unref();
  return child;
}

async function untilReady({ child, cluster, notes }: Waiting): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  child.once('exit', (code, signal) => {
    failure ??= new Error(`it ended with ${signal ?? code}`);
  });
  const start = performance.now();
  let told = false;
  while (failure === undefined) {
    const state = await readPidFile(cluster);
    if (state?.pid === child.pid && state?.status === 'ready') return;
    const waited = performance.now() - start;
    if (waited > READY_MS) {
      await end(child);
      throw new Error(`it was not ready after ${READY_MS / 1000} s`);
    }
    if (waited > SLOW_MS && !told) {
      notes.info('Postgres repairs its files after a hard stop; this can take a minute.');
      told = true;
    }
    await sleep(10);
  }
  throw failure;
}

/** The own database keeps our tables out of `postgres`, which tools expect to be empty. */
async function createDatabase(url: string, folder: PostgresFolder): Promise<void> {
  const client = new Client({ connectionString: url.replace(/[^/]*$/, 'postgres') });
  try {
    await client.connect();
    const found = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`create database ${DATABASE}`);
  } catch (error) {
    if ((error as { code?: string }).code !== '28P01') throw error;
    throw new Error(
      `The password in ${join(folder.own, 'password')} is not that of ${folder.cluster}. ` +
        'Put the right file back, or delete both to begin with an empty database.',
    );
  } finally {
    await client.end();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await stopProcess(child.pid, STOP);
}

async function readPidFile(cluster: string): Promise<PidFile | undefined> {
  const text = await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  // The eighth line is the state that pg_ctl waits for too.
  return Number.isInteger(pid) && pid > 0 ? { pid, status: lines[7]?.trim() } : undefined;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function explain(error: unknown, log: LogFile): Error {
  const lines = log
    .said()
    .split('\n')
    .filter((line) => /FATAL|PANIC|ERROR|HINT/.test(line));
  const why = lines.length > 0 ? lines.slice(0, 3).join(' ') : (error as Error).message;
  return new Error(`Postgres does not start: ${why} (the whole story: ${log.file})`);
}

export type PostgresOptions = {
  /** Folder for database files, password and log. Relative to the working directory. */
  dataDir: string;
  /** Preferred port; a free one is taken when it is in use. Default: any free one. */
  port?: number;
  /** Server settings on top of ours, for example `{ max_connections: '300' }`. */
  settings?: Record<string, string>;
  notes?: Notes;
  /** Where the files go when Postgres' user cannot reach dataDir. Default /var/lib/queqiao. */
  fallbackDir?: string;
  programs?: ProgramPlaces;
};

export type LocalPostgres = AsyncDisposable & {
  /** Superuser's URL of the database `queqiao`, password included. */
  url: string;
  port: number;
  pid: number;
  /** Fast shutdown; resolves when the process is gone. */
  stop(): Promise<void>;
};

type Launch = { folder: PostgresFolder; programs: string; options: PostgresOptions; notes: Notes };
type Launched = { child: ChildProcess; port: number };
type Spawn = Pick<Launch, 'folder' | 'programs'> & {
  port: number;
  log: LogFile;
  settings: Record<string, string> | undefined;
};
type Waiting = { child: ChildProcess; cluster: string; notes: Notes };
type PidFile = { pid: number; status: string | undefined };
