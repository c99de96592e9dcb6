import { DatabaseError } from 'pg';
import { RpcError } from '#libs/errors';
import type { Connection, Queryable, QueryOptions } from './connection.ts';
import type { Pool } from './pool.ts';
import type { TenantSetting } from './tenant.ts';

/**
 * Runs `work` in one transaction (read committed): committed when it returns, rolled back when it
 * throws. Nothing is tried again. When the connection breaks during the commit, nobody knows
 * whether it took place: RpcError DEPENDENCY_DOWN, and the caller asks by its key or repeats.
 */
export async function transaction<Result>(
  pool: Pool,
  work: (tx: Tx) => Promise<Result>,
  { tenant }: TransactionOptions = {},
): Promise<Result> {
  const connection = await pool.connect();
  try {
    await connection.run('begin', [], tenant && { tenant });
    const tx = new Transaction(connection);
    const result = await runOrRollBack(connection, tx, work);
    await commit(connection, tx);
    return result;
  } finally {
    connection.release();
  }
}

export type TransactionOptions = {
  /** Whose rows its statements may reach, where a table has row-level security. */
  tenant?: TenantSetting;
};

/** Only `transaction` makes one: whoever asks for a Tx runs inside of a transaction. */
export type Tx = Transaction;

class Transaction implements Queryable {
  readonly #connection: Connection;
  #last: Promise<unknown> = Promise.resolve();
  #pendingCount = 0;
  #isEnded = false;
  #failure: unknown;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Throws after the transaction's end. Statements started together run one after the other. */
  async query<Row = Record<string, unknown>>(
    text: string,
    values?: readonly unknown[],
    options?: QueryOptions,
  ): Promise<Row[]> {
    this.#assertOpen();
    const answer = this.#last.then(() => {
      this.#assertOpen();
      return this.#connection.run(text, values, options);
    });
    this.#pendingCount += 1;
    this.#last = answer.then(
      () => {
        this.#pendingCount -= 1;
      },
      (error) => {
        this.#pendingCount -= 1;
        this.#failure ??= error;
      },
    );
    return (await answer).rows;
  }

  /** The first statement that failed, also when the caller has caught its error. */
  get failure(): unknown {
    return this.#failure;
  }

  assertAtRest(): void {
    if (this.#pendingCount === 0) return;
    throw new Error('the transaction returned while a statement was running: await each one');
  }

  /** Refuses what comes from now on and waits for the statement that runs. */
  async end(): Promise<void> {
    this.#isEnded = true;
    await this.#last;
  }

  #assertOpen(): void {
    if (this.#isEnded) throw new Error('a Tx was used after the end of its transaction');
  }
}

async function runOrRollBack<Result>(
  connection: Connection,
  tx: Transaction,
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  try {
    const result = await work(tx);
    tx.assertAtRest();
    await tx.end();
    return result;
  } catch (error) {
    await tx.end();
    // The caller gets the error that came first; this connection serves nobody any more.
    await connection.run('rollback').catch((failure) => connection.spoil(failure));
    throw error;
  }
}

async function commit(connection: Connection, tx: Transaction): Promise<void> {
  let command: string;
  try {
    command = (await connection.run('commit')).command;
  } catch (error) {
    // The server's refusal (a deferred constraint, a conflict) means: surely not committed.
    if (error instanceof DatabaseError) throw error;
    connection.spoil(error as Error);
    const unknown = new Error('the outcome of the commit is not known', { cause: error });
    throw new RpcError('DEPENDENCY_DOWN', { cause: unknown });
  }
  // Postgres answers the commit of a failed transaction with a rollback, and no error.
  if (command !== 'COMMIT') {
    const text = 'rolled back: a statement failed and its error was caught';
    throw new Error(text, { cause: tx.failure });
  }
}
