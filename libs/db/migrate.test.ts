import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import { assertMigrated, migrate } from './migrate.ts';
import { openPool } from './pool.ts';

const log = { info: vi.fn(), warn: vi.fn() };

async function folderOf(files: Record<string, string>) {
  const dir = await mkdtemp(join(tmpdir(), 'queqiao-migrate-'));
  const add = async (more: Record<string, string>) => {
    for (const [name, text] of Object.entries(more)) await writeFile(join(dir, name), text);
  };
  await add(files);
  return { dir, add, [Symbol.asyncDispose]: () => rm(dir, { recursive: true }) };
}

const INIT = { '0001_init.sql': 'create table demo.parcel (number text primary key);' };
const MORE = { '0002_weight.sql': 'alter table demo.parcel add weight_g int4;' };
const SHARED = (await readdir('libs/db/sql')).map((file) => file.replace('.sql', ''));

describe('migrate', () => {
  it('makes the schema with outbox and inbox first, then the service tables', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf({ ...INIT, 'README.md': 'not a migration' });
    const applied = await migrate({ url: db.url, schema: 'demo', dirs: [folder.dir], log });
    expect(applied).toEqual([...SHARED, '0001_init']);
    const tables = await db.query<{ name: string }>(
      `select table_name as name from information_schema.tables where table_schema = 'demo'`,
    );
    expect(tables.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['outbox', 'outbox_position', 'inbox', 'parcel']),
    );
  });

  it('changes nothing the second time, and applies only what is new later', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf(INIT);
    const options = { url: db.url, schema: 'demo', dirs: [folder.dir], log };
    await migrate(options);
    const dump = `select table_name, column_name from information_schema.columns
      where table_schema = 'demo' order by 1, 2`;
    const before = await db.query(dump);
    expect(await migrate(options)).toEqual([]);
    expect(await db.query(dump)).toEqual(before);
    await folder.add(MORE);
    expect(await migrate(options)).toEqual(['0002_weight']);
  });

  it('makes the outbox partition of the present, also when all is applied', async () => {
    await using db = await testDatabase();
    const options = { url: db.url, schema: 'demo', dirs: [], log };
    await migrate(options);
    const present = async () => {
      const [row] = await db.query<{ place: string }>(
        `insert into demo.outbox (event_id, subject, type, payload)
         values (gen_random_uuid(), 'a', 'b', '') returning tableoid::regclass::text as place`,
      );
      return row?.place ?? '';
    };
    const place = await present();
    expect(place).not.toBe('demo.outbox_default');
    await db.query(`drop table ${place}`);
    expect(await migrate(options)).toEqual([]);
    expect(await present()).not.toBe('demo.outbox_default');
  });

  it('gives each schema its own tables', async () => {
    await using db = await testDatabase();
    await migrate({ url: db.url, schema: 'one', dirs: [], log });
    await migrate({ url: db.url, schema: 'two', dirs: [], log });
    await db.query(`insert into one.inbox values ('c', gen_random_uuid())`);
    expect(await db.query('select consumer from two.inbox')).toEqual([]);
  });

  it('lets two runners at once end with each file applied once', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf({ ...INIT, ...MORE });
    const options = { url: db.url, schema: 'demo', dirs: [folder.dir], log };
    const applied = await Promise.all([migrate(options), migrate(options), migrate(options)]);
    expect(applied.flat().sort()).toEqual([...SHARED, '0001_init', '0002_weight'].sort());
  });

  it('says so when another runner does not come to an end', async () => {
    await using db = await testDatabase();
    await db.query(`select pg_advisory_lock(hashtext('queqiao migrate'), hashtext('demo'))`);
    const second = migrate({ url: db.url, schema: 'demo', dirs: [], log, lockWaitMs: 100 });
    await expect(second).rejects.toThrow('schema "demo" failed: another migration of it');
  });

  it('leaves nothing of a file that fails, keeps those before it, and can go on', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf({
      ...INIT,
      '0002_bad.sql': 'create table demo.half (); select 1/0;',
    });
    const options = { url: db.url, schema: 'demo', dirs: [folder.dir], log };
    await expect(migrate(options)).rejects.toThrow('schema "demo" failed: division by zero');
    const found = `select to_regclass('demo.parcel') is not null as parcel,
      to_regclass('demo.half') is not null as half`;
    expect(await db.query(found)).toEqual([{ parcel: true, half: false }]);
    await folder.add({ '0002_bad.sql': 'create table demo.half ();' });
    expect(await migrate(options)).toEqual(['0002_bad']);
  });

  it('refuses a file that was put before those already applied', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf(INIT);
    const options = { url: db.url, schema: 'demo', dirs: [folder.dir], log };
    await migrate(options);
    await folder.add({ '0000_early.sql': 'select 1;' });
    await expect(migrate(options)).rejects.toThrow('0000_early');
  });

  it('refuses a schema name that is not plain', async () => {
    await using db = await testDatabase();
    const odd = migrate({ url: db.url, schema: 'demo"; drop', dirs: [], log });
    await expect(odd).rejects.toThrow('not a name');
  });
});

describe('assertMigrated', () => {
  it('is silent when exactly the files are applied', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf(INIT);
    await using pool = openPool({ url: db.url, name: 'test', log });
    await migrate({ url: db.url, schema: 'demo', dirs: [folder.dir], log });
    await assertMigrated(pool, 'demo', [folder.dir]);
  });

  it('names what is missing and the command to run', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf(INIT);
    await using pool = openPool({ url: db.url, name: 'test', log });
    await expect(assertMigrated(pool, 'demo', [folder.dir])).rejects.toThrow(
      /schema "demo" is behind .*, 0001_init\. Run "queqiao migrate"/,
    );
    await migrate({ url: db.url, schema: 'demo', dirs: [folder.dir], log });
    await folder.add(MORE);
    await expect(assertMigrated(pool, 'demo', [folder.dir])).rejects.toThrow(
      /which needs 0002_weight\. Run "queqiao migrate"/,
    );
  });

  it('tells that the database is ahead', async () => {
    await using db = await testDatabase();
    await using folder = await folderOf({ ...INIT, ...MORE });
    await using pool = openPool({ url: db.url, name: 'test', log });
    await migrate({ url: db.url, schema: 'demo', dirs: [folder.dir], log });
    await rm(join(folder.dir, '0002_weight.sql'));
    const check = assertMigrated(pool, 'demo', [folder.dir]);
    await expect(check).rejects.toThrow(/is ahead of this program.*0002_weight\. Start a release/);
  });
});
