import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLogger } from '#libs/log';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { migrate } from './migrate.ts';
import { openPool, type Pool, type PoolOptions } from './pool.ts';
import { OF_EVERYBODY, ofCourier, ofMerchant, ofMerchants, type TenantSetting } from './tenant.ts';
import { transaction } from './transaction.ts';
import { assertWalled, roleOf } from './wall.ts';

const MIGRATION = `
  create table parcel (
    number text primary key,
    merchant_id text not null,
    courier_id text not null
  );
  call raise_tenant_wall('parcel');
  insert into parcel values
    ('A1', 'anna', 'swift'), ('A2', 'anna', 'slow'), ('B1', 'ben', 'swift');`;

const log = createLogger({ name: 'test', level: 'silent' });
let folder: string;
let db: TestDatabase;
let pool: Pool;

function open(options: Partial<PoolOptions> = {}): Pool {
  const role = roleOf('walltest');
  return openPool({ url: db.url, name: 'wall', role, log: { warn: vi.fn() }, ...options });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queqiao-wall-'));
  await writeFile(join(folder, '0001_parcel.sql'), MIGRATION);
  db = await testDatabase();
  await migrate({ url: db.url, schema: 'walltest', dirs: [folder], log });
  pool = open({ maxConnections: 1 });
});

afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function seen(tenant?: TenantSetting, name?: string): Promise<string> {
  const rows = await pool.query<{ number: string }>(
    'select number from walltest.parcel order by number',
    [],
    { ...(tenant && { tenant }), ...(name && { name }) },
  );
  return rows.map(({ number }) => number).join(' ');
}

describe('the wall between tenants', () => {
  it('shows a tenant its own rows, and nobody any without one', async () => {
    for (const name of [undefined, 'seen', 'seen']) {
      expect(await seen(ofMerchant('anna'), name)).toBe('A1 A2');
      expect(await seen(undefined, name)).toBe('');
      expect(await seen(ofMerchants(['ben', 'carl']), name)).toBe('B1');
      expect(await seen(ofCourier('swift'), name)).toBe('A1 B1');
      expect(await seen(ofMerchant('carl'), name)).toBe('');
      expect(await seen(OF_EVERYBODY, name)).toBe('A1 A2 B1');
    }
  });

  it('refuses a row of another tenant, and changes none', async () => {
    const insert = `insert into walltest.parcel values ('C1', 'ben', 'slow')`;
    await expect(pool.query(insert, [], { tenant: ofMerchant('anna') })).rejects.toMatchObject({
      code: '42501',
    });
    await expect(pool.query(insert)).rejects.toMatchObject({ code: '42501' });
    const update = `update walltest.parcel set courier_id = 'gone' where merchant_id = 'ben'
      returning number`;
    expect(await pool.query(update, [], { tenant: ofMerchant('anna') })).toEqual([]);
    expect(await pool.query('delete from walltest.parcel returning number')).toEqual([]);
    expect(await seen(OF_EVERYBODY)).toBe('A1 A2 B1');
  });

  it('holds for a whole transaction, and ends with it', async () => {
    const tenant = ofMerchant('anna');
    const counted = await transaction(
      pool,
      async (tx) => {
        const count = 'select number from walltest.parcel';
        return [(await tx.query(count)).length, (await tx.query(count)).length];
      },
      { tenant },
    );
    expect(counted).toEqual([2, 2]);
    expect(await seen()).toBe('');
    const rolledBack = transaction(pool, () => Promise.reject(new Error('no')), { tenant });
    await expect(rolledBack).rejects.toThrow('no');
    expect(await seen()).toBe('');
  });

  it('is no longer set after a statement that failed', async () => {
    const tenant = OF_EVERYBODY;
    for (const text of ['select 1/0', 'no sql at all', 'select $1::int4']) {
      const bad = pool.query(text, text.includes('$1') ? ['x'] : [], { tenant, name: text });
      await expect(bad).rejects.toThrow();
      expect(await seen()).toBe('');
      expect(await seen(ofMerchant('ben'), 'seen')).toBe('B1');
    }
  });

  it('keeps a statement prepared under its name, and the setter beside it', async () => {
    await using own = open({ maxConnections: 1 });
    for (const tenant of [ofMerchant('anna'), OF_EVERYBODY, ofMerchant('anna')]) {
      await own.query('select number from walltest.parcel', [], { tenant, name: 'numbers' });
    }
    const prepared = 'select name from pg_prepared_statements order by name';
    expect(await own.query(prepared)).toEqual([{ name: 'numbers' }, { name: 'queqiao_tenant' }]);
  });

  it('works without prepared statements, for a bouncer in between', async () => {
    // Where the role comes from the user's own settings, as the option's comment says.
    const user = `bounced_${db.name}`;
    await db.query(`create role ${user} login password 'x'`);
    await db.query(`grant ${roleOf('walltest')} to ${user}`);
    await db.query(`alter role ${user} set role = '${roleOf('walltest')}'`);
    const url = new URL(db.url);
    url.username = user;
    url.password = 'x';
    await using bounced = open({ url: url.href, viaBouncer: true, maxConnections: 1 });
    const select = (tenant: TenantSetting) =>
      bounced.query('select number from walltest.parcel', [], { tenant, name: 'numbers' });
    expect(await select(ofMerchant('ben'))).toEqual([{ number: 'B1' }]);
    expect(await select(ofCourier('slow'))).toEqual([{ number: 'A2' }]);
    expect(await bounced.query('select from pg_prepared_statements')).toEqual([]);
    await assertWalled(bounced, 'walltest');
    await bounced[Symbol.asyncDispose]();
    await db.query(`drop role ${user}`);
  });

  it('costs no round trip', async () => {
    const { url, batchCount, close } = await countingProxy(db.url);
    await using own = open({ url, maxConnections: 1 });
    await own.query('select 1');
    const before = batchCount();
    const options = { tenant: ofMerchant('anna'), name: 'numbers' };
    for (let i = 0; i < 5; i++) await own.query('select number from walltest.parcel', [], options);
    expect(batchCount() - before).toBe(5);
    await transaction(own, (tx) => tx.query('select 1'), options);
    expect(batchCount() - before).toBe(8);
    await own[Symbol.asyncDispose]();
    close();
  });

  it('shows in any order of statements what the last tenant may see', async () => {
    const tenants = [ofMerchant('anna'), ofMerchant('ben'), ofCourier('slow'), OF_EVERYBODY];
    const expected = ['A1 A2', 'B1', 'A2', 'A1 A2 B1'];
    const steps = fc.array(
      fc.record({ who: fc.option(fc.nat(3)), name: fc.boolean(), fails: fc.boolean() }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        for (const { who, name, fails } of all) {
          const tenant = who === null ? undefined : tenants[who];
          if (fails) {
            const bad = pool.query('select 1 / $1::int4', [0], { ...(tenant && { tenant }) });
            await bad.catch(() => undefined);
          }
          const found = await seen(tenant, name ? 'seen' : undefined);
          expect(found).toBe(who === null ? '' : expected[who]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('takes nothing for a tenant that an id can never be', () => {
    for (const id of ['', 'a,b', 'a:b', 'everybody,', `a'b`, 'A1']) {
      expect(() => ofMerchant(id)).toThrow('not the id of a tenant');
      expect(() => ofMerchants(['anna', id])).toThrow('not the id of a tenant');
      expect(() => ofCourier(id)).toThrow('not the id of a tenant');
    }
    expect(() => ofMerchants([])).toThrow('needs one');
  });

  it('is not there when its policy is gone: what these tests would show', async () => {
    await db.query('alter table walltest.parcel disable row level security');
    try {
      expect(await seen(ofMerchant('anna'))).toBe('A1 A2 B1');
    } finally {
      await db.query('alter table walltest.parcel enable row level security');
    }
  });
});

describe('the role of a service', () => {
  it('is what its pool works in, and no other pool passes for it', async () => {
    await assertWalled(pool, 'walltest');
    await using asOwner = open({ role: '' });
    await expect(assertWalled(asOwner, 'walltest')).rejects.toThrow('must work in the role');
    const url = `${db.url}?options=-c%20statement_timeout%3D1000`;
    await using overridden = open({ url });
    await expect(assertWalled(overridden, 'walltest')).rejects.toThrow('must work in the role');
  });

  it('writes events and takes them, and neither reads nor removes them', async () => {
    await expect(pool.query('select from walltest.outbox')).rejects.toMatchObject({
      code: '42501',
    });
    await expect(pool.query('delete from walltest.inbox')).rejects.toMatchObject({ code: '42501' });
    await pool.query(`insert into walltest.outbox (event_id, subject, type, payload)
      values (gen_random_uuid(), 'a.b', 'c', '')`);
  });

  it('is made once for a server on which many databases migrate at once', async () => {
    const schema = `wall_${db.name}`;
    const databases = await Promise.all(Array.from({ length: 4 }, () => testDatabase()));
    await Promise.all(databases.map(({ url }) => migrate({ url, schema, dirs: [], log })));
    for (const each of databases) await each[Symbol.asyncDispose]();
    await db.query(`drop role ${roleOf(schema)}`);
  });
});

/** Counts the batches that the server has answered: ReadyForQuery ends each of them. */
async function countingProxy(url: string) {
  let count = 0;
  const near = new URL(url);
  const farPort = Number(near.port);
  const server = createServer((client) => {
    const far = connect(farPort, near.hostname);
    client.pipe(far);
    far.on('data', (data) => {
      count += data.toString('latin1').split('Z\0\0\0\x05').length - 1;
      client.write(data);
    });
    client.on('error', () => far.destroy());
    far.on('close', () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  near.port = String((server.address() as AddressInfo).port);
  return { url: near.href, batchCount: () => count, close: () => server.close() };
}
