import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { inject } from 'vitest';

const templates = new Map<string, Promise<string>>();

/**
 * A database of its own for one test: `await using db = await testDatabase({ schemas })`. With
 * `schemas` (schema name → folders of migrations, from the root of the package) it is a clone of
 * a migrated template, otherwise empty. It is dropped when it goes out of scope, with whoever is
 * still connected to it.
 */
export async function testDatabase(options: DatabaseOptions = {}): Promise<TestDatabase> {
  const template = options.schemas ? await templateFor(options.schemas) : 'template0';
  const name = `test_${randomBytes(8).toString('hex')}`;
  // Copying files is 5 times as fast as the default here: 63 ms against 306 on two busy cores.
  const create = `create database ${name} template ${template} strategy file_copy`;
  await onServer((client) => client.query(create));
  const url = urlOf(name);
  let client: Promise<Client> | undefined;
  return {
    url,
    name,
    async query(text, values) {
      client ??= connect(url);
      return (await (await client).query(text, values)).rows;
    },
    async [Symbol.asyncDispose]() {
      // A test may have ended this connection from the server's side.
      await (await client)?.end().catch(() => undefined);
      await onServer((server) => server.query(`drop database if exists ${name} with (force)`));
    },
  };
}

/** Built once per set of migrations and server: other test processes find it by its name. */
async function templateFor(schemas: Schemas): Promise<string> {
  const key = JSON.stringify(schemas);
  const known = templates.get(key) ?? buildTemplate(schemas);
  templates.set(key, known);
  return known;
}

async function buildTemplate(schemas: Schemas): Promise<string> {
  const name = `template_${await fingerprint(schemas)}`;
  await onServer(async (server) => {
    await server.query(`select pg_advisory_lock(hashtext($1))`, [name]);
    const found = await server.query('select from pg_database where datname = $1', [name]);
    if (found.rowCount) return;
    // Renamed when complete, so a run that was killed leaves nothing that looks like a template.
    const draft = `draft_${randomBytes(8).toString('hex')}`;
    await server.query(`create database ${draft} template template0`);
    await migrateAll(urlOf(draft), schemas);
    await server.query(`alter database ${draft} rename to ${name}`);
  });
  return name;
}

async function migrateAll(url: string, schemas: Schemas): Promise<void> {
  // Loaded here, so that tests of empty databases do not load the migration library.
  const { migrate } = await import('#libs/db');
  const { createLogger } = await import('#libs/log');
  const log = createLogger({ name: 'test', level: 'warn' });
  for (const [schema, dirs] of Object.entries(schemas)) {
    await migrate({ url, schema, dirs: dirs.map((dir) => resolve(dir)), log });
  }
}

async function fingerprint(schemas: Schemas): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(schemas));
  for (const dir of Object.values(schemas).flat()) {
    for (const file of (await readdir(dir)).sort()) {
      if (file.endsWith('.sql')) hash.update(file).update(await readFile(join(dir, file)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

function urlOf(database: string): string {
  return inject('postgresUrl').replace(/[^/]*$/, database);
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  // Without a listener a connection ended by the server would end the test process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function onServer<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(urlOf('postgres'));
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

type Schemas = Record<string, string[]>;
type DatabaseOptions = { schemas?: Schemas };

export type TestDatabase = AsyncDisposable & {
  url: string;
  name: string;
  /** One connection, opened at the first call. Answers the rows. */
  query<Row = Record<string, unknown>>(text: string, values?: unknown[]): Promise<Row[]>;
};
