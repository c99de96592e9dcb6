import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMasterKeyFile, Keyring, loadMasterKey } from '#libs/privacy';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { openSecrets } from '../secrets.ts';
import { readSettings } from '../settings.ts';
import { type CliOptions, cli } from './cli.fixture.ts';
import { vaultCommand } from './vault.ts';

let system: TestSystem;
let folder: string;
let shop: SeededMerchant;
let merchantKey: string;
let numbers: string[];
let time = new Date('2026-10-15T12:00:00Z');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queqiao-vault-cli-'));
  for (const name of ['old.key', 'new.key']) await createMasterKeyFile(join(folder, name));
  const [old, next] = await Promise.all(
    ['old.key', 'new.key'].map((name) => loadMasterKey(join(folder, name))),
  );
  if (old === undefined || next === undefined) throw new Error('no keys');
  // The data keys are made under the old one, then the server has the new one.
  const before = new Keyring({ current: old, others: [next] });
  system = await testSystem({ keyring: before, now: () => time });
  shop = await seedMerchant(system);
  const { secret } = await system.network().createApiKey({
    apiKey: {
      apiKeyId: 'cli-vault',
      subject: { kind: Subject_Kind.MERCHANT, id: shop.merchantId },
      scopes: ['consignee.read', 'consignee.find', 'consignee.erase', 'consignee.audit'],
    },
  });
  merchantKey = secret;
  const parcels = ['A', 'B', 'C'].map((ref) => parcelOf(shop, ref));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  numbers = outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function vault(args: string[], options: CliOptions = {}) {
  const { address } = system;
  return cli([vaultCommand], ['vault', ...args], { address, apiKey: merchantKey, ...options });
}

const operator = () => ({ apiKey: system.operatorKey });

describe('queqiao vault', () => {
  it('shows whole consignees, and an error for each that is not there', async () => {
    const [number = ''] = numbers;
    const ground = ['--purpose', 'label-printing', '--reason', '补打'];
    const shown = await vault(['read', number, ...ground], { isTTY: true });
    expect(shown).toMatchObject({ exit: 0, stderr: '' });
    expect(shown.stdout).toMatch(/name {12}欧阳修远\nphone {11}13812345678\n/);
    const json = await vault(['read', 'Q00000000000', number, ...ground, '--json']);
    expect(json.exit).toBe(1);
    expect(json.json()).toMatchObject([
      { error: { reason: 'WAYBILL_NOT_FOUND' } },
      { waybill_number: number, consignee: { phone: '13812345678', address: { city: '杭州市' } } },
    ]);
  });

  it('finds by phone, masked', async () => {
    const args = ['find', '138-1234-5678', '--purpose', 'customer-service'];
    const found = (await vault([...args, '--json'])).json();
    expect(found.map((each) => each['waybill_number']).toSorted()).toEqual(numbers.toSorted());
    const shown = await vault(args);
    expect(shown.stdout).toContain('欧阳**');
    expect(shown.stdout).not.toContain('13812345678');
    const asked = await vault(args, operator());
    expect(asked).toMatchObject({ exit: 2, stdout: '' });
    const named = await vault(
      [...args, '--merchant', shop.merchantId, '--reason', '工单 7', '--limit', '2', '--json'],
      operator(),
    );
    expect(named.json()).toHaveLength(2);
  });

  it('shows who did what', async () => {
    const [number = ''] = numbers;
    const shown = await vault(['accesses', '--number', number]);
    expect(shown.stdout).toMatch(
      new RegExp(`\tread\tmerchant ${shop.merchantId}\tcli-vault\t.*\tlabel-printing\t补打\n`),
    );
    const all = (await vault(['accesses', '--json', '--limit', '3'], operator())).json();
    expect(all).toHaveLength(3);
    expect(all[0]).toMatchObject({ operation: 'OPERATION_FIND', caller_kind: 'operator' });
  });

  it('erases only who says yes', async () => {
    const number = numbers[1] ?? '';
    const reason = ['--reason', '买家要求'];
    expect((await vault(['erase', number, ...reason])).exit).toBe(2);
    const erased = await vault(['erase', number, 'Q00000000000', ...reason, '--yes', '--json']);
    expect(erased.exit).toBe(1);
    expect(erased.json()).toMatchObject([
      { waybill_number: number, consignee: { name: '', district: '余杭区' } },
      { error: { reason: 'WAYBILL_NOT_FOUND' } },
    ]);
    const read = await vault(['read', number, '--purpose', 'delivery']);
    expect(read.exit).toBe(1);
    expect(read.stderr).toMatch(/CONSIGNEE_ERASED/);
  });

  it('erases a month', async () => {
    time = new Date('2026-11-15T12:00:00Z');
    const args = ['erase-month', shop.merchantId, '2026-10', '--reason', '保存期满', '--confirm'];
    const wrong = await vault([...args, 'yes'], operator());
    expect(wrong.stderr).toMatch(new RegExp(`confirm must be ${shop.merchantId}/2026-10`));
    const done = await vault([...args, `${shop.merchantId}/2026-10`, '--json'], operator());
    expect(done.json()).toMatchObject([
      { merchant_id: shop.merchantId, month: '2026-10', cleared_count: 2, done: true },
    ]);
    const again = await vault([...args, `${shop.merchantId}/2026-10`], operator());
    expect(again.stdout).toMatch(/was destroyed at 2026-11-15T12.*\n0 waybills emptied/);
  });

  it('rotates the master key with the files of the settings', async () => {
    await system.waybill(shop.apiKey).issueWaybill({ parcel: parcelOf(shop, 'NOVEMBER') });
    const settings = readSettings({
      QUEQIAO_STATE_DIR: join(folder, 'state'),
      QUEQIAO_MASTER_KEY_FILE: join(folder, 'new.key'),
      QUEQIAO_MASTER_KEY_OLD_FILES: join(folder, 'old.key'),
    });
    const { keyring } = await openSecrets(settings);
    expect(keyring.otherIds).toEqual([(await loadMasterKey(join(folder, 'old.key'))).keyId]);
    await system.restart({ keyring });
    const rotated = await vault(['rotate', '--json'], operator());
    // The month's, and those of the two look-ups: by phone, and of what deliveries taught.
    expect(rotated.json()).toEqual([
      { master_key_id: keyring.currentId, rewrapped_count: 3, remaining_count: 0 },
    ]);
    expect((await vault(['rotate'], operator())).stdout).toMatch(/^All keys .* 0 of them now\.\n$/);
    const rows = await system.database.query(
      `select 1 from waybill.data_key where wrapped is not null and master_key_id <> $1
       union all select 1 from waybill.index_key where master_key_id <> $1`,
      [keyring.currentId],
    );
    expect(rows).toEqual([]);
  });

  it('says what is wrong with its use', async () => {
    const wrong = [
      ['read'],
      ['read', 'Q10000'],
      ['read', 'Q10000', '--purpose', 'fun'],
      ['find', '--purpose', 'delivery'],
      ['erase', 'Q10000', '--yes'],
      ['erase-month', 'shop'],
      ['read', 'Q10000', '--purpose', 'delivery'],
    ];
    for (const args of wrong) {
      const run = await vault(args, { address: '127.0.0.1:1' });
      expect(run, args.join(' ')).toMatchObject({ exit: 2, stdout: '' });
      expect(run.stderr).toMatch(/^error: /);
    }
  });
});
