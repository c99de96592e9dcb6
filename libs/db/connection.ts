import { DatabaseError, type PoolClient, type QueryConfig, type QueryResult } from 'pg';
import { RpcError } from '#libs/errors';
import { TenantQuery, type TenantSetting } from './tenant.ts';

/** What runs a statement: a Pool (each on its own) or a Tx (all as one). */
export interface Queryable {
  /**
   * Answers the rows, with the column names of the statement. int8 comes as a string. A `Buffer`
   * goes out in binary format. Errors: the database's own with its SQLSTATE as `code`;
   * RpcError OVERLOADED when there is no free connection in time; RpcError DEPENDENCY_DOWN when
   * the connection broke, with the effect of the statement unknown.
   */
  query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]>;
}

/** One connection that a caller holds; given back exactly once. */
export class Connection {
  readonly #client: PoolClient;
  readonly #options: ConnectionOptions;
  #broken: Error | undefined;

  constructor(client: PoolClient, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
  }

  async run(
    text: string,
    values: readonly unknown[] = [],
    { name, tenant }: QueryOptions = {},
  ): Promise<QueryResult> {
    const failure = this.#failure;
    if (failure) throw lost(failure);
    if (name !== undefined && name.length > NAME_LENGTH_MAX) {
      throw new Error(`statement name over ${NAME_LENGTH_MAX} characters: ${name}`);
    }
    try {
      const statement = {
        text,
        values: [...values],
        ...(name !== undefined && this.#options.namedStatements && { name }),
      };
      return await this.#send(statement, tenant);
    } catch (error) {
      throw this.#judge(error as Error);
    }
  }

  /** Marks the connection as one that nobody may use again. */
  spoil(error: Error): void {
    this.#broken ??= error;
  }

  release(): void {
    // With an error the pool closes the connection, also in the middle of a statement.
    this.#client.release(this.#failure);
    this.#options.onRelease();
  }

  get #failure(): Error | undefined {
    this.#broken ??= this.#options.failure();
    return this.#broken;
  }

  /** By callback and one timer: pg's promise and a race cost a small statement 10 µs. */
  #send(statement: QueryConfig, tenant: TenantSetting | undefined): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      // The server's statement_timeout ends slow statements and leaves the connection good. This
      // is for a server or network that has gone silent: the connection is of no use afterwards.
      const timer = setTimeout(() => {
        const error = new Error(`no answer within ${this.#options.answerTimeoutMs} ms`);
        this.spoil(error);
        reject(error);
      }, this.#options.answerTimeoutMs);
      const answer = (error: Error | null, result: QueryResult) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(result);
      };
      // Both answer by the callback, and have no promise then.
      if (tenant === undefined) void this.#client.query(statement, answer);
      else
        this.#client.query(
          new TenantQuery({ tenant, isNamed: this.#options.namedStatements }, statement, answer),
        );
    });
  }

  /** What the caller gets; also decides whether the connection may serve again. */
  #judge(error: Error): Error {
    if (error instanceof DatabaseError) {
      // Its own stack leads to the socket, this one to whoever sent the statement.
      Error.captureStackTrace(error);
      if (isFatal(error)) this.spoil(error);
      // A prepared statement that no longer fits is gone with its connection.
      else if (STALE_STATEMENT.has(error.code ?? '')) this.spoil(error);
      return isFatal(error) ? lost(error) : error;
    }
    // Nothing from the server: either the connection broke, which its error event has told
    // already, or a value cannot be sent, after which the protocol may be out of step.
    const isLost = this.#failure !== undefined;
    this.spoil(error);
    return isLost ? lost(error) : error;
  }
}

/** After these the server closes the connection. Not by severity, which comes translated. */
export function isFatal({ code = '' }: DatabaseError): boolean {
  return code.startsWith('08') || code.startsWith('57P') || code === '25P03' || code === '25P04';
}

export function lost(cause: unknown): RpcError {
  return new RpcError('DEPENDENCY_DOWN', { cause });
}

/** Postgres cuts longer names off, and two statements would meet under one name. */
const NAME_LENGTH_MAX = 63;

// feature_not_supported is "cached plan must not change result type"; the others tell that a
// pooler in between has changed the server under us.
const STALE_STATEMENT = new Set(['0A000', '26000', '42P05']);

export type QueryOptions = {
  /** Prepares the statement under this name once per connection; one text for one name. */
  name?: string;
  /** Whose rows it may reach, where a table has row-level security; in a Tx also those after it. */
  tenant?: TenantSetting;
};

type ConnectionOptions = {
  namedStatements: boolean;
  answerTimeoutMs: number;
  /** What the connection broke by, if it did, between statements. */
  failure: () => Error | undefined;
  onRelease: () => void;
};
