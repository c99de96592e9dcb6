import { DatabaseError, Pool as PgPool, type PoolClient, type PoolConfig } from 'pg';
import type { Logger } from '#libs/log';
import { Connection, isFatal, lost, type Queryable, type QueryOptions } from './connection.ts';
import { Slots } from './slots.ts';

/** Opens no connection yet: the first statement does, and fails if the server is away. */
export function openPool(options: PoolOptions): Pool {
  return new Pool(options);
}

/** A bounded set of connections to one database. Close it by `await using` or its dispose. */
export class Pool implements Queryable {
  readonly #pool: PgPool;
  readonly #slots: Slots;
  readonly #failures = new WeakMap<PoolClient, Error>();
  readonly #connectionOptions: { namedStatements: boolean; answerTimeoutMs: number };
  #end: Promise<void> | undefined;

  constructor({ log, ...given }: PoolOptions) {
    const options = { ...DEFAULTS, ...given };
    this.#pool = new PgPool(configOf(options));
    this.#connectionOptions = {
      namedStatements: !options.viaBouncer,
      answerTimeoutMs: options.statementTimeoutMs + options.answerMarginMs,
    };
    this.#slots = new Slots({
      count: options.maxConnections,
      maxWaiting: options.maxWaiting,
      waitMs: options.queueTimeoutMs,
    });
    // Read for each connection: those opened together do not end together.
    Object.defineProperty(this.#pool.options, 'maxLifetimeSeconds', {
      get: () => (options.maxLifetimeMs / 1000) * (0.8 + 0.4 * Math.random()),
    });
    // A backend may end with the very packet that makes it ready, before anybody holds it; then,
    // too, an error without a listener would end the process.
    this.#pool.on('connect', (client) => {
      client.on('error', (error) => this.#failures.set(client, error));
    });
    // The pool has dropped the connection by itself. Without a listener the process would end.
    this.#pool.on('error', (error) => {
      if (this.#end !== undefined) return;
      log.warn({ err: error, pool: options.name }, 'an idle database connection was lost');
    });
  }

  async query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]> {
    const connection = await this.connect();
    try {
      return (await connection.run(text, values, options)).rows;
    } finally {
      connection.release();
    }
  }

  /** For `transaction`, which gives the connection back whatever happens. */
  async connect(): Promise<Connection> {
    await this.#slots.take();
    try {
      const client = await this.#pool.connect();
      return new Connection(client, {
        ...this.#connectionOptions,
        failure: () => this.#failures.get(client),
        onRelease: () => this.#slots.give(),
      });
    } catch (error) {
      this.#slots.give();
      // The server's own answer (too many connections, wrong password) has a code that says more.
      throw error instanceof DatabaseError && !isFatal(error) ? error : lost(error);
    }
  }

  /** For metrics: open connections, those in use, and callers that wait for one. */
  get load(): { openCount: number; busyCount: number; waitingCount: number } {
    const { totalCount, idleCount } = this.#pool;
    const { waitingCount } = this.#slots;
    return { openCount: totalCount, busyCount: totalCount - idleCount, waitingCount };
  }

  /** Refuses whoever waits, lets running statements and transactions end, closes all. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#slots.close();
    this.#end ??= this.#pool.end();
    await this.#end;
  }
}

function configOf(options: Required<Omit<PoolOptions, 'log'>>): PoolConfig {
  return {
    connectionString: options.url,
    application_name: options.name,
    max: options.maxConnections,
    connectionTimeoutMillis: options.queueTimeoutMs,
    idleTimeoutMillis: IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
    // PgBouncer refuses a start-up packet that sets these.
    ...(!options.viaBouncer && {
      ...(options.role !== '' && { options: `-c role=${options.role}` }),
      statement_timeout: options.statementTimeoutMs,
      lock_timeout: options.lockTimeoutMs,
      idle_in_transaction_session_timeout: options.idleInTransactionTimeoutMs,
    }),
  };
}

const IDLE_MS = 60_000;
const KEEP_ALIVE_MS = 30_000;

const DEFAULTS = {
  maxConnections: 10,
  maxWaiting: 200,
  queueTimeoutMs: 2_000,
  statementTimeoutMs: 5_000,
  lockTimeoutMs: 2_000,
  idleInTransactionTimeoutMs: 10_000,
  answerMarginMs: 5_000,
  maxLifetimeMs: 30 * 60_000,
  viaBouncer: false,
  role: '',
};

export type PoolOptions = {
  /** postgres://user:password@host:port/database */
  url: string;
  /** Shown as application_name in pg_stat_activity, and in our log. */
  name: string;
  log: Pick<Logger, 'warn'>;
  /** Default 10. */
  maxConnections?: number;
  /** Callers that may wait for a connection; the next is refused at once. Default 200. */
  maxWaiting?: number;
  /** Longest wait for a free connection, and for the server to accept one. Default 2,000. */
  queueTimeoutMs?: number;
  /** The server cancels a statement after this: SQLSTATE 57014. Default 5,000. */
  statementTimeoutMs?: number;
  /** The server gives up waiting for a lock after this: SQLSTATE 55P03. Default 2,000. */
  lockTimeoutMs?: number;
  /** The server ends a transaction that lies still for so long. Default 10,000. */
  idleInTransactionTimeoutMs?: number;
  /** How long over statementTimeoutMs an answer may be on its way. Default 5,000. */
  answerMarginMs?: number;
  /** A connection is renewed after about this time, ± 20 %. Default 30 minutes. */
  maxLifetimeMs?: number;
  /**
   * PgBouncer in transaction mode stands in between: statement names are not used, and the
   * three server-side timeouts and the role must come from `alter role … set`. Default false.
   */
  viaBouncer?: boolean;
  /** The role to work in, see roleOf(); assertWalled() makes sure of it. Default the user's own. */
  role?: string;
};
