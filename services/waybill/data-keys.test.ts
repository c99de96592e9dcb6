import { createSecretKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool, type Pool } from '#libs/db';
import { RpcError } from '#libs/errors';
import { createLogger } from '#libs/log';
import { Keyring, type MasterKey, open, seal } from '#libs/privacy';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { DataKeys } from './data-keys.ts';

let database: TestDatabase;
let pool: Pool;
let time = new Date('2026-10-31T23:59:59.999Z');
let isAway = false;
let askedCount = 0;

/** A key service: slow to fail, and counted. */
const service: MasterKey = (() => {
  const key = createSecretKey(randomBytes(32));
  const aad = Buffer.from('test');
  const ask = async <T>(work: () => T): Promise<T> => {
    askedCount += 1;
    if (isAway) throw new RpcError('DEPENDENCY_DOWN');
    return work();
  };
  return {
    keyId: 'test',
    wrap: (dataKey) => ask(() => seal(key, dataKey.export(), aad)),
    unwrap: (wrapped) => ask(() => createSecretKey(open(key, wrapped, aad))),
  };
})();

beforeAll(async () => {
  database = await testDatabase({ schemas: { waybill: ['services/waybill/migrations'] } });
  const log = createLogger({ name: 'test', level: 'silent' });
  pool = openPool({ url: database.url, name: 'test', log });
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await database[Symbol.asyncDispose]();
});

function process(): DataKeys {
  return new DataKeys({ pool, keyring: new Keyring({ current: service }), now: () => time });
}

describe('data keys', () => {
  it('are one for each merchant and month, the same in every process', async () => {
    const [a, b] = [process(), process()];
    const made = await Promise.all([a.current('shop'), b.current('shop'), a.current('other')]);
    const [here, there, others] = made.map(({ dataKeyId }) => dataKeyId);
    expect(here).toBe(there);
    expect(others).not.toBe(here);
    // The next moment is another month.
    time = new Date('2026-11-01T00:00:00.000Z');
    const november = await a.current('shop');
    expect(november.dataKeyId).not.toBe(here);
    expect(november.key.equals(made[0]?.key as never)).toBe(false);
    // What was sealed before opens all the same.
    expect((await process().byId('shop', String(here)))?.key.equals(made[0]?.key as never)).toBe(
      true,
    );
    const rows = await database.query<{ month: string }>(
      `select to_char(month, 'YYYY-MM') as month from waybill.data_key
       where merchant_id = 'shop' order by month`,
    );
    expect(rows.map(({ month }) => month)).toEqual(['2026-10', '2026-11']);
  });

  it('find a phone by one hash in every process, another for each merchant', async () => {
    const hashes = await Promise.all([
      process().phoneIndex('shop'),
      process().phoneIndex('shop'),
      process().phoneIndex('other'),
    ]);
    const [here, there, others] = hashes.map((hash) => hash('13812345678'));
    expect(here).toBe(there);
    expect(others).not.toBe(here);
  });

  it('stay in use while the key service is away; a new one fails with a reason', async () => {
    const keys = process();
    await keys.current('shop');
    isAway = true;
    try {
      const before = askedCount;
      await keys.current('shop');
      expect(askedCount).toBe(before);
      await expect(keys.current('nobody-yet')).rejects.toMatchObject({
        reason: 'DEPENDENCY_DOWN',
        retryable: true,
      });
      await expect(process().current('shop')).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    } finally {
      isAway = false;
    }
    // The failure is not remembered.
    await keys.current('nobody-yet');
  });

  it('are asked of the key service once, whatever the number of rows', async () => {
    const keys = process();
    const { dataKeyId } = await keys.current('shop');
    const before = askedCount;
    await Promise.all(Array.from({ length: 100 }, () => keys.byId('shop', String(dataKeyId))));
    expect(askedCount).toBe(before);
  });

  it('are gone once destroyed, also where they were open', async () => {
    const keys = process();
    const { dataKeyId, key } = await keys.current('doomed');
    const place = Buffer.from('Q1');
    const sealed = seal(key, Buffer.from('secret'), place);
    expect(await keys.byId('doomed', String(dataKeyId))).toBeDefined();
    await database.query(
      `update waybill.data_key set wrapped = null, erase_time = now() where data_key_id = $1`,
      [String(dataKeyId)],
    );
    await expect
      .poll(() => keys.byId('doomed', String(dataKeyId)), { timeout: 5_000 })
      .toBeUndefined();
    // The check bites: it is the question that ends it, the memory of this process would open it.
    const remembered = await keys.current('doomed');
    expect(open(remembered.key, sealed, place).toString()).toBe('secret');
  });
});
