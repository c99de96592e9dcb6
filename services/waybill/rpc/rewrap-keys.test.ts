import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKeyFile, Keyring, loadMasterKey, type MasterKey } from '#libs/privacy';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import { secondServer } from '#test/support/second-server';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let folder: string;
let oldKey: MasterKey;
let newKey: MasterKey;
const shops: SeededMerchant[] = [];
const numbers: string[] = [];

const purpose = Purpose.LABEL_PRINTING;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queqiao-rewrap-'));
  for (const name of ['old', 'new']) await createMasterKeyFile(join(folder, name));
  oldKey = await loadMasterKey(join(folder, 'old'));
  newKey = await loadMasterKey(join(folder, 'new'));
  system = await testSystem({ keyring: new Keyring({ current: oldKey, others: [newKey] }) });
  for (let i = 0; i < 5; i++) {
    const shop = await seedMerchant(system);
    shops.push(shop);
    numbers.push(await issue(system, shop, 'R-1'));
  }
});
afterAll(async () => {
  await system[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** How many keys each master key has wrapped. */
async function masterKeys(): Promise<Record<string, number>> {
  const rows = await system.database.query<{ master_key_id: string; count: string }>(
    `select master_key_id, count(*) as count from (
       select master_key_id from waybill.data_key union all
       select master_key_id from waybill.index_key
     ) as key group by master_key_id`,
  );
  return Object.fromEntries(rows.map((row) => [row.master_key_id, Number(row.count)]));
}

async function readAll(server: Pick<TestSystem, 'vault'>): Promise<void> {
  for (const [i, shop] of shops.entries()) {
    const vault = server.vault(await keyOf(system, 'merchant', shop.merchantId));
    const waybillNumber = numbers[i] ?? '';
    const { consignee } = await vault.getConsignee({ waybillNumber, purpose });
    expect(consignee?.phone).toBe('13812345678');
    const { waybills } = await vault.findWaybillsByPhone({ phone: '13812345678', purpose });
    expect(waybills.map((waybill) => waybill.waybillNumber)).toContain(waybillNumber);
  }
}

describe('RewrapKeys', () => {
  it('says which master key is missing, and changes nothing then', async () => {
    await using stranger = await secondServer(system, {
      keyring: new Keyring({ current: newKey }),
    });
    const vault = stranger.vault(system.operatorKey);
    await expect(vault.rewrapKeys({})).rejects.toMatchObject({
      reason: 'MASTER_KEY_MISSING',
      metadata: { id: oldKey.keyId },
    });
    const read = vault.getConsignee({
      waybillNumber: numbers[0] ?? '',
      purpose,
      reason: '测试',
    });
    await expect(read).rejects.toMatchObject({ reason: 'MASTER_KEY_MISSING' });
    expect(await masterKeys()).toEqual({ [oldKey.keyId]: 6 });
  });

  it('goes part by part, by two at once, while the servers issue and open', async () => {
    await using next = await secondServer(system, {
      keyring: new Keyring({ current: newKey, others: [oldKey] }),
    });
    const vault = next.vault(system.operatorKey);
    const first = await vault.rewrapKeys({ maxCount: 2 });
    expect(first).toMatchObject({
      rewrappedCount: 2,
      remainingCount: 4n,
      masterKeyId: newKey.keyId,
    });
    // Broken off here: both servers go on.
    await readAll(system);
    await readAll(next);
    const [a, b] = await Promise.all([vault.rewrapKeys({}), vault.rewrapKeys({})]);
    expect(a.rewrappedCount + b.rewrappedCount).toBe(4);
    expect(await masterKeys()).toEqual({ [newKey.keyId]: 6 });
    expect(await vault.rewrapKeys({})).toMatchObject({ rewrappedCount: 0, remainingCount: 0n });
    const shop = shops[0] as SeededMerchant;
    await next.waybill(shop.apiKey).issueWaybill({ parcel: parcelOf(shop, 'R-2') });
    await readAll(next);
  });

  it('leaves nothing that needs the old key', async () => {
    await using after = await secondServer(system, { keyring: new Keyring({ current: newKey }) });
    await readAll(after);
    const shop = shops[1] as SeededMerchant;
    const { issued } = await after
      .waybill(shop.apiKey)
      .issueWaybill({ parcel: parcelOf(shop, 'R-3') });
    expect(issued?.alreadyIssued).toBe(false);
  });

  it('is for operators, and refuses a wrong count', async () => {
    const shop = shops[0] as SeededMerchant;
    const merchant = system.vault(await keyOf(system, 'merchant', shop.merchantId));
    await expect(merchant.rewrapKeys({})).rejects.toMatchObject({ reason: 'SCOPE_MISSING' });
    for (const maxCount of [-1, 1_001]) {
      await expect(system.vault().rewrapKeys({ maxCount })).rejects.toMatchObject({
        field: 'max_count',
      });
    }
  });
});
