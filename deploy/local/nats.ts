import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { takeLock } from './lock.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { natsProgram } from './nats-program.ts';
import { type Notes, stderrNotes } from './note.ts';
import { freePort } from './port.ts';
import { commandLine, type StopStep, startMark, stopProcess } from './process.ts';

const READY_MS = 60_000;
const INFO_MS = 2_000;

const STOP: readonly StopStep[] = [
  { signal: 'SIGINT', waitMs: 15_000 },
  { signal: 'SIGKILL', waitMs: 5_000 },
];

const HOW_TO_GET_IT =
  'Install nats-server 2.9 or newer with your package manager (Debian, Ubuntu: ' +
  'apt-get install nats-server; macOS: brew install nats-server), or set NATS_URL to a server ' +
  'that runs with JetStream.';

/**
 * NATS with JetStream for one machine: the server at NATS_URL if that is set, otherwise one on
 * 127.0.0.1 with its files in `stateDir`/nats. One that a killed process has left running there
 * is stopped first; a folder in use by a running process is refused (LockHeld). Undefined, with
 * a warning that says what to do, when no server can be had.
 */
export async function startNats(options: NatsOptions): Promise<LocalNats | undefined> {
  const notes = options.notes ?? stderrNotes;
  const given = options.url ?? process.env['NATS_URL'];
  if (given) return elsewhere(given);
  const stateDir = resolve(options.stateDir);
  const tools = options.toolsDir ?? join(stateDir, 'tools');
  const found = await natsProgram({ tools, notes, path: options.path });
  if (found === undefined) {
    notes.warn(`No nats-server on this machine, so events wait in the outbox. ${HOW_TO_GET_IT}`);
    return undefined;
  }
  const home = join(stateDir, 'nats');
  await mkdir(home, { recursive: true, mode: 0o711 });
  // What is stored may be read by nobody else, whatever the modes inside.
  await chmod(home, 0o700);
  const lock = await takeLock(home);
  try {
    await stopLeftOver(home, notes);
    const { child, port } = await launch({ ...found, home, notes, port: options.port });
    return running({ child, port, version: found.version, notes, release: lock.release });
  } catch (error) {
    await lock.release();
    notes.warn(`${(error as Error).message} Events wait in the outbox until there is a NATS.`);
    return undefined;
  }
}

/** The configuration file of a local server. */
export function natsConfig({ name, port, home, version }: NatsConfig): string {
  // Paths go in quotes; JSON's escapes are those of the configuration language.
  return `server_name: ${JSON.stringify(name)}
listen: "127.0.0.1:${port}"
pid_file: ${JSON.stringify(join(home, 'server.pid'))}
max_payload: 1MB
jetstream {
  store_dir: ${JSON.stringify(join(home, 'store'))}
  max_mem_store: 256MB
  max_file_store: 10GB${hasSyncInterval(version) ? '\n  sync_interval: always' : ''}
}
`;
}

/** Since 2.10 the server can sync before it acknowledges; 2.9 refuses to start with the setting. */
function hasSyncInterval(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 2 || (major === 2 && minor >= 10);
}

async function stopLeftOver(home: string, notes: Notes): Promise<void> {
  const text = await readFile(join(home, 'server.pid'), 'utf8').catch(() => '');
  const pid = Number(text.trim());
  if (!Number.isInteger(pid) || pid <= 0 || startMark(pid) === undefined) return;
  const command = commandLine(pid);
  if (!command.includes('nats-server') || !command.includes(home)) return;
  notes.info(`Stopping the nats-server (process ${pid}) that an earlier run has left behind.`);
  await stopProcess(pid, STOP);
}

/** Starts the server; another port is taken when somebody is quicker on the free one. */
async function launch({ program, version, home, notes, ...wanted }: Launch): Promise<Launched> {
  const config = join(home, 'server.conf');
  for (let tries = 1; ; tries += 1) {
    const port = await freePort(wanted.port);
    if (wanted.port !== undefined && port !== wanted.port) {
      notes.info(`Port ${wanted.port} is taken; NATS listens on ${port}.`);
    }
    // The name tells our server from a stranger who got the port first.
    const name = `queqiao-${randomBytes(6).toString('hex')}`;
    await writeFile(config, natsConfig({ name, port, home, version }));
    using log = openLogFile(join(home, 'server.log'));
    // An own process group: Ctrl-C in a terminal reaches us, and we stop NATS after our services.
    const child = spawn(program, ['-c', config], {
      cwd: '/',
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    child.unref();
    try {
      await untilReady({ child, port, name });
      return { child, port };
    } catch (error) {
      await end(child);
      if (!log.said().includes('address already in use') || tries === 20) throw explain(error, log);
    }
  }
}

async function untilReady({ child, port, name }: Waiting): Promise<void> {
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  child.once('exit', (code, signal) => {
    failure ??= new Error(`it ended with ${signal ?? code}`);
  });
  const start = performance.now();
  while (failure === undefined) {
    if ((await greeting(port))?.includes(`"server_name":"${name}"`)) return;
    if (performance.now() - start > READY_MS) {
      throw new Error(`it was not ready after ${READY_MS / 1000} s`);
    }
    await sleep(10);
  }
  throw failure;
}

/** The INFO line that a NATS server sends to whoever connects. */
function greeting(port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(INFO_MS, () => socket.destroy());
    let said = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('\r\n')) socket.destroy();
    });
    socket.once('error', () => undefined);
    socket.once('close', () => done(said || undefined));
  });
}

function running({ child, port, version, notes, release }: Running): LocalNats {
  let stopping: Promise<void> | undefined;
  const stop = () => {
    stopping ??= end(child).finally(release);
    return stopping;
  };
  child.once('exit', (code, signal) => {
    if (stopping === undefined) notes.warn(`nats-server has ended by itself (${signal ?? code}).`);
  });
  const server = { port, pid: child.pid ?? 0, version };
  return { url: `nats://127.0.0.1:${port}`, server, stop, [Symbol.asyncDispose]: stop };
}

function elsewhere(url: string): LocalNats {
  const stop = async () => undefined;
  return { url, server: undefined, stop, [Symbol.asyncDispose]: stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  await stopProcess(child.pid, STOP);
}

function explain(error: unknown, log: LogFile): Error {
  const line = log
    .said()
    .split('\n')
    .find((text) => /\[(FTL|ERR)\]|nats-server: /.test(text));
  const why = line ?? (error as Error).message;
  return new Error(`nats-server does not start: ${why} (the whole story: ${log.file}).`);
}

export type NatsOptions = {
  /** Files are in its folder `nats`, a fetched program in its folder `tools`. */
  stateDir: string;
  /** Preferred port; a free one is taken when it is in use. Default: any free one. */
  port?: number;
  notes?: Notes;
  /** A server that runs already. Default: NATS_URL; the empty text means "none". */
  url?: string;
  /** Where a fetched program is kept. Default `stateDir`/tools. */
  toolsDir?: string;
  /** Folders to look for programs in. Default: PATH and the usual places of servers. */
  path?: string;
};

export type LocalNats = AsyncDisposable & {
  url: string;
  /** Undefined when the server is not ours (NATS_URL). */
  server: { port: number; pid: number; version: string } | undefined;
  /** Resolves when the process is gone. Does nothing to a server that is not ours. */
  stop(): Promise<void>;
};

type NatsConfig = { name: string; port: number; home: string; version: string };
type Launch = {
  program: string;
  version: string;
  home: string;
  notes: Notes;
  port: number | undefined;
};
type Launched = { child: ChildProcess; port: number };
type Waiting = { child: ChildProcess; port: number; name: string };
type Running = Launched & { version: string; notes: Notes; release(): Promise<void> };
