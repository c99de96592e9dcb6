import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { type LocalNats, startNats } from '#deploy/local/nats';
import { guard } from './guard.ts';

/**
 * The server that all tests share, and a name that no other test uses: begin stream names,
 * durables and subjects with it.
 */
export function testNats(): { url: string; prefix: string } {
  return { url: inject('natsUrl'), prefix: `t${randomBytes(6).toString('hex')}` };
}

/**
 * A server of the test's own, which it may stop, kill, and start again on the same port and with
 * the same store. Gone, with its files, when it goes out of scope.
 */
export async function startTestNats(): Promise<TestNats> {
  const stateDir = await mkdtemp(join(tmpdir(), 'queqiao-nats-'));
  let server = await launch(stateDir);
  const { port } = server;
  return {
    url: server.url,
    async stop() {
      await server.stop();
    },
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.stop();
    },
    async start() {
      server = await launch(stateDir, port);
      if (server.port !== port) throw new Error(`Port ${port} was taken while NATS was down.`);
    },
    async loseStore() {
      await rm(join(stateDir, 'nats', 'store'), { recursive: true, force: true });
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

/** Starts a nats-server for tests, or fails with a sentence that says how to get one. */
export async function launchNats(options: NatsLaunch): Promise<LocalNats> {
  const said: string[] = [];
  const note = (sentence: string) => void said.push(sentence);
  const notes = { info: note, warn: note };
  // NATS_URL belongs to the developer's own system; tests make and delete streams.
  const server = await startNats({ ...options, url: '', notes });
  if (server === undefined) throw new Error(`The tests need a nats-server. ${said.join(' ')}`);
  return server;
}

async function launch(stateDir: string, port?: number): Promise<Launched> {
  const toolsDir = inject('toolsDir');
  const nats = await launchNats({ stateDir, toolsDir, ...(port === undefined ? {} : { port }) });
  if (nats.server === undefined) throw new Error('A test needs a nats-server of its own.');
  const { pid } = nats.server;
  const guarded = guard({ pids: [pid], folder: stateDir });
  return {
    url: nats.url,
    port: nats.server.port,
    pid,
    async stop() {
      await nats.stop();
      guarded[Symbol.dispose]();
    },
  };
}

export type NatsLaunch = { stateDir: string; toolsDir: string; port?: number };

export type TestNats = AsyncDisposable & {
  url: string;
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Again on the same port, with what the store holds. */
  start(): Promise<void>;
  /** Deletes the JetStream store; only while the server is down. */
  loseStore(): Promise<void>;
};

type Launched = { url: string; port: number; pid: number; stop(): Promise<void> };
