import { type JetStreamClient, type JetStreamManager, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '#libs/log';
import { backoff, sleep } from '#libs/run';
import { type Server, serverOptions } from './server-url.ts';
import { ensureStream, STREAM_NAMES, type StreamName } from './streams.ts';

const DIAL_TIMEOUT_MS = 5_000;
const DRAIN_TIMEOUT_MS = 2_000;
const FIRST_RETRY_MS = 250;
const RETRY_MS_MAX = 5_000;

/**
 * Keeps a connection for ever. Each connection is a session of its own, opened only when all
 * streams are in place; the client's own reconnecting is off. So a caller never talks to a
 * connection that is half back: it has a session, or it waits for the next.
 */
export class Link implements AsyncDisposable {
  readonly #options: LinkOptions;
  readonly #server: Server | undefined;
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;
  readonly #waiting = new Set<(session: Session) => void>();
  #session: Session | undefined;
  #serverVersion: string | undefined;
  /** The last thing said about the connection, so that each state is logged once. */
  #said = '';

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#server = options.url === undefined ? undefined : serverOptions(options.url);
    this.#ended = this.#server === undefined ? Promise.resolve() : this.#keep(this.#server);
  }

  /** The session, if there is one now. */
  get session(): Session | undefined {
    return this.#session?.isOpen ? this.#session : undefined;
  }

  /** Of the server last connected to. */
  get serverVersion(): string | undefined {
    return this.#serverVersion;
  }

  /** The session, as soon as there is one. Rejects when the signal is aborted. */
  async next(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    if (this.session !== undefined) return this.session;
    return new Promise((resolve, reject) => {
      const onSession = (session: Session) => {
        signal.removeEventListener('abort', onAbort);
        resolve(session);
      };
      const onAbort = () => {
        this.#waiting.delete(onSession);
        reject(signal.reason);
      };
      this.#waiting.add(onSession);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #keep(server: Server): Promise<void> {
    const { signal } = this.#stop;
    let nextDelayMs = backoff({ firstMs: FIRST_RETRY_MS, maxMs: RETRY_MS_MAX });
    while (!signal.aborted) {
      try {
        await this.#live(server, signal);
        nextDelayMs = backoff({ firstMs: FIRST_RETRY_MS, maxMs: RETRY_MS_MAX });
        this.#say('away', () => this.#log.warn(this.#where, 'connection to NATS lost'));
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        const fields = { ...this.#where, err: error };
        this.#say(text, () => this.#log.warn(fields, `NATS is away: ${text}; events wait`));
      }
      await sleep(nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** One connection from its first to its last moment. */
  async #live(server: Server, signal: AbortSignal): Promise<void> {
    const connection = await this.#dial(server, signal);
    const stop = () => void drain(connection);
    try {
      const session = await openSession(connection, this.#options.replicas);
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      this.#greet(connection);
      this.#session = session;
      for (const resolve of this.#waiting) resolve(session);
      this.#waiting.clear();
      await session.closed;
    } finally {
      this.#session = undefined;
      signal.removeEventListener('abort', stop);
      await connection.close();
    }
  }

  async #dial(server: Server, signal: AbortSignal): Promise<NatsConnection> {
    const dialling = connect({
      ...server.options,
      name: this.#options.name,
      reconnect: false,
      timeout: DIAL_TIMEOUT_MS,
      pingInterval: this.#options.pingIntervalMs ?? 10_000,
      maxPingOut: 2,
      noAsyncTraces: true,
    });
    // Stopping does not wait for a server that is slow to answer.
    return unlessAborted(signal, dialling, (late) => late.close());
  }

  #greet(connection: NatsConnection): void {
    const version = connection.info?.version ?? 'unknown';
    if (version !== this.#serverVersion && isOlderThan(version, 2, 10)) {
      this.#log.warn(
        { ...this.#where, server_version: version },
        'nats-server is older than 2.10: it acknowledges events before they are on disk, so a ' +
          'power cut can lose them; they are published again from the outbox',
      );
    }
    this.#serverVersion = version;
    const fields = { ...this.#where, server_version: version };
    this.#say('connected', () => this.#log.info(fields, 'connected to NATS'));
  }

  #say(state: string, write: () => void): void {
    if (state !== this.#said && !this.#stop.signal.aborted) write();
    this.#said = state;
  }

  get #where(): object {
    return { nats: this.#server?.shown };
  }

  get #log(): Logger {
    return this.#options.log;
  }
}

async function openSession(connection: NatsConnection, replicas?: number): Promise<Session> {
  if (connection.info?.jetstream !== true) {
    throw new Error('the nats-server runs without JetStream; start it with -js');
  }
  const js = jetstream(connection, { timeout: DIAL_TIMEOUT_MS });
  const manager = await js.jetstreamManager(false);
  const closed = untilClosed(connection);
  let isOpen = true;
  void closed.then(() => {
    isOpen = false;
  });
  const ensure = async (name: StreamName) => void (await ensureStream(manager, name, replicas));
  await Promise.all(STREAM_NAMES.map(ensure));
  return {
    connection,
    js,
    manager,
    closed,
    ensure,
    get isOpen() {
      return isOpen;
    },
  };
}

/** Resolves when the connection is of no more use; never rejects. */
function untilClosed(connection: NatsConnection): Promise<void> {
  return new Promise((resolve) => {
    const end = () => resolve();
    connection.closed().then(end, end);
    (async () => {
      for await (const { type } of connection.status()) {
        // The client would first flush to a peer that no longer reads, which can take minutes.
        if (type === 'staleConnection') end();
      }
    })().catch(end);
  });
}

/** Lets what was sent reach the server, but does not wait for one that is gone. */
async function drain(connection: NatsConnection): Promise<void> {
  const timer = new AbortController();
  const tooLate = sleep(DRAIN_TIMEOUT_MS, timer.signal).catch(() => undefined);
  await Promise.race([connection.drain().catch(() => undefined), tooLate]);
  timer.abort();
  await connection.close();
}

/** The promise's value, or the signal's reason at once; a value that comes later is given up. */
function unlessAborted<T>(
  signal: AbortSignal,
  promise: Promise<T>,
  giveUp: (late: T) => Promise<void>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      promise.then(giveUp).catch(() => undefined);
      reject(signal.reason);
    };
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function isOlderThan(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map(Number);
  return ownMajor < major || (ownMajor === major && ownMinor < minor);
}

/** One connection with all streams in place. */
export type Session = {
  readonly connection: NatsConnection;
  readonly js: JetStreamClient;
  readonly manager: JetStreamManager;
  readonly isOpen: boolean;
  /** Resolves when the connection is gone; never rejects. */
  readonly closed: Promise<void>;
  /** Puts a stream in place again that was deleted meanwhile. */
  ensure(name: StreamName): Promise<void>;
};

export type LinkOptions = {
  /**
   * nats://[user:password@]host[:port] or tls://…; several servers separated by commas. Undefined
   * is a system without NATS: nothing is ever connected, and publishing says DEPENDENCY_DOWN.
   */
  url: string | undefined;
  /** What the server's own lists call this connection. */
  name: string;
  log: Logger;
  /** Copies of each stream in a cluster; by default 1 for a new stream, else as it is. */
  replicas?: number;
  /** A silent server counts as gone after three of these. Default 10 s. */
  pingIntervalMs?: number;
};
