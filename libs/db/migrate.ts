import { readdir } from 'node:fs/promises';
import { runner } from 'node-pg-migrate';
import { Client } from 'pg';
import type { Logger } from '#libs/log';
import { projectFile } from '#libs/run';
import type { Queryable } from './connection.ts';
import { quoteName } from './name.ts';
import { makePartitions } from './partition.ts';
import { openPool } from './pool.ts';

/**
 * Brings one service's schema up to the files: first the outbox and inbox tables, then each of
 * `dirs` in turn; makes the present outbox partition if it is missing. Forward only, each file in
 * a transaction of its own with the row that notes it; nothing happens if all are applied.
 * Answers the names of the files applied now. A second runner waits for the first, up to
 * `lockWaitMs`. Errors are sentences that name the schema.
 */
export async function migrate(options: MigrateOptions): Promise<string[]> {
  const { url, schema, dirs, log, lockWaitMs = LOCK_WAIT_MS } = options;
  const client = new Client({ connectionString: url, application_name: 'queqiao migrate' });
  // The statement that runs gets the error too; without a listener the process would end.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await lockSchema(client, schema, lockWaitMs);
    await makeSchema(client, schema);
    const applied: string[] = [];
    for (const { dir, table } of sourcesOf(dirs)) {
      applied.push(...(await applyFiles(client, { schema, dir, table, log })));
    }
    await makePresent(url, schema, log);
    if (applied.length > 0) log.info({ schema, applied }, 'database schema migrated');
    return applied;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new Error(`Migrating the database schema "${schema}" failed: ${text}`, { cause: error });
  } finally {
    // Ends the lock with the session, and a migration that failed half way.
    await client.end().catch(() => undefined);
  }
}

/** Throws a sentence that says what to do unless exactly the migrations of `dirs` are applied. */
export async function assertMigrated(
  db: Queryable,
  schema: string,
  dirs: readonly string[],
): Promise<void> {
  const missing: string[] = [];
  const unknown: string[] = [];
  for (const { dir, table } of sourcesOf(dirs)) {
    const files = await namesIn(dir);
    const applied = await appliedNames(db, `${quoteName(schema)}.${quoteName(table)}`);
    missing.push(...files.filter((name) => !applied.includes(name)));
    unknown.push(...applied.filter((name) => !files.includes(name)));
  }
  if (unknown.length > 0) {
    throw new Error(
      `The database schema "${schema}" is ahead of this program, which does not know ` +
        `${listOf(unknown)}. Start a release that does: migrations do not go back.`,
    );
  }
  if (missing.length > 0) {
    throw new Error(
      `The database schema "${schema}" is behind this program, which needs ${listOf(missing)}. ` +
        'Run "queqiao migrate", then start again.',
    );
  }
}

async function lockSchema(client: Client, schema: string, lockWaitMs: number): Promise<void> {
  try {
    await client.query(`select set_config('lock_timeout', $1, false)`, [`${lockWaitMs}ms`]);
    await client.query(`select pg_advisory_lock(hashtext('queqiao migrate'), hashtext($1))`, [
      schema,
    ]);
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error;
    throw new Error(`another migration of it has been running for over ${lockWaitMs} ms`);
  }
  // A migration that waits for a table holds up whoever comes after it for the same table.
  await client.query(`set lock_timeout = '${TABLE_LOCK_WAIT_MS}ms'`);
}

/** Not by "if not exists", which asks for the right to create it also when it exists. */
async function makeSchema(client: Client, schema: string): Promise<void> {
  const found = await client.query('select from pg_namespace where nspname = $1', [schema]);
  if (found.rowCount === 0) await client.query(`create schema ${quoteName(schema)}`);
}

async function applyFiles(client: Client, { schema, dir, table, log }: Source): Promise<string[]> {
  const quiet = () => undefined;
  const applied = await runner({
    dbClient: client,
    dir,
    ignorePattern: NOT_SQL,
    schema,
    migrationsSchema: schema,
    migrationsTable: table,
    direction: 'up',
    checkOrder: true,
    singleTransaction: false,
    // Its own lock is one for all schemas of the server's database; ours is taken.
    noLock: true,
    // What it says of errors contains the whole file; the error itself comes back to us.
    logger: { info: quiet, error: quiet, warn: (text) => log.warn({ schema }, text) },
  });
  return applied.map(({ name }) => name);
}

/** Now, because the relay can make only partitions of the future without disturbing writers. */
async function makePresent(url: string, schema: string, log: Log): Promise<void> {
  await using pool = openPool({ url, name: 'queqiao migrate', maxConnections: 1, log });
  await makePartitions(pool, schema, { withPresent: true });
}

async function appliedNames(db: Queryable, table: string): Promise<string[]> {
  try {
    const rows = await db.query<{ name: string }>(`select name from ${table} order by id`);
    return rows.map(({ name }) => name);
  } catch (error) {
    // undefined_table, invalid_schema_name: nothing was ever applied.
    if (['42P01', '3F000'].includes((error as { code?: string }).code ?? '')) return [];
    throw error;
  }
}

async function namesIn(dir: string): Promise<string[]> {
  const files = await readdir(dir);
  return files
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();
}

/** Each directory notes its files in a table of its own, so the order of `dirs` is fixed. */
function sourcesOf(dirs: readonly string[]): { dir: string; table: string }[] {
  return [
    { dir: projectFile('libs', 'db', 'sql'), table: 'migration_outbox' },
    ...dirs.map((dir, index) => ({
      dir,
      table: index === 0 ? 'migration' : `migration_${index + 1}`,
    })),
  ];
}

function listOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

const LOCK_WAIT_MS = 60_000;
const TABLE_LOCK_WAIT_MS = 10_000;
const NOT_SQL = '(?!.*\\.sql$).*';

export type MigrateOptions = {
  url: string;
  /** The service's schema; made if it is missing. */
  schema: string;
  /** Absolute paths of folders with files such as 0001_init.sql. */
  dirs: readonly string[];
  log: Log;
  /** Default 60,000. */
  lockWaitMs?: number;
};

type Log = Pick<Logger, 'info' | 'warn'>;
type Source = { schema: string; dir: string; table: string; log: Log };
