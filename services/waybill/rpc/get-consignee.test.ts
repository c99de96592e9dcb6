import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError, reasonOf } from '#libs/errors';
import { Keyring } from '#libs/privacy';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import { secondServer } from '#test/support/second-server';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { OPERATIONS, PURPOSES } from '../access.ts';
import { accesses, issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let merchantKey: string;
let courierKey: string;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
  merchantKey = await keyOf(system, 'merchant', shop.merchantId);
  courierKey = await keyOf(system, 'courier', shop.courierId);
});
afterAll(() => system[Symbol.asyncDispose]());

const purpose = Purpose.LABEL_PRINTING;

describe('GetConsignee', () => {
  it('answers the whole consignee, and writes down who opened it and why', async () => {
    const waybillNumber = await issue(system, shop, 'G-1');
    const vault = system.vault(merchantKey);
    const { consignee } = await vault.getConsignee({ waybillNumber, purpose, reason: '补打面单' });
    const { consignee: sent } = parcelOf(shop, 'G-1');
    expect(consignee).toMatchObject({ name: sent?.name, phone: sent?.phone });
    expect(consignee?.address).toMatchObject({ ...sent?.address });
    expect(await accesses(system, waybillNumber)).toEqual([
      {
        operation: 'read',
        caller_kind: 'merchant',
        caller_id: shop.merchantId,
        key_id: expect.stringMatching(/^vault-/),
        request_id: expect.stringMatching(/^[\w-]{36}$/),
        purpose: 'label_printing',
        reason: '补打面单',
        merchant_id: shop.merchantId,
      },
    ]);
  });

  it('writes down every read, also two at once', async () => {
    const waybillNumber = await issue(system, shop, 'G-2');
    const vault = system.vault(merchantKey);
    const read = () => vault.getConsignee({ waybillNumber, purpose });
    await Promise.all([read(), read(), read()]);
    expect(await accesses(system, waybillNumber)).toHaveLength(3);
  });

  it('does not answer what it cannot write down', async () => {
    const waybillNumber = await issue(system, shop, 'G-3');
    const refuse = 'alter table waybill.consignee_access add constraint no check (false) not valid';
    await system.database.query(refuse);
    const read = () => system.vault(merchantKey).getConsignee({ waybillNumber, purpose });
    await expect(read()).rejects.toMatchObject({ reason: 'INTERNAL' });
    await system.database.query('alter table waybill.consignee_access drop constraint no');
    // The check bites: without the fault there is an answer.
    expect((await read()).consignee?.name).toBe('欧阳修远');
  });

  it('lets a courier open its own parcels while they are live', async () => {
    const waybillNumber = await issue(system, shop, 'G-4');
    const vault = system.vault(courierKey);
    const read = () => vault.getConsignee({ waybillNumber, purpose: Purpose.DELIVERY });
    expect((await read()).consignee?.name).toBe('欧阳修远');
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber });
    await expect(read()).rejects.toMatchObject({
      reason: 'STATE_NOT_ALLOWED',
      metadata: { state: 'cancelled' },
    });
    // The merchant still may.
    await system.vault(merchantKey).getConsignee({ waybillNumber, purpose });
    expect(await accesses(system, waybillNumber)).toHaveLength(2);
  });

  it('shows no stranger that there is such a waybill', async () => {
    const waybillNumber = await issue(system, shop, 'G-5');
    const other = await seedMerchant(system);
    const strangers = [
      await keyOf(system, 'merchant', other.merchantId),
      await keyOf(system, 'courier', other.courierId),
    ];
    for (const key of strangers) {
      const read = system.vault(key).getConsignee({ waybillNumber, purpose });
      await expect(read).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    }
    expect(await accesses(system, waybillNumber)).toEqual([]);
  });

  it('asks an operator for a reason, and everybody with a legal request', async () => {
    const waybillNumber = await issue(system, shop, 'G-6');
    const operator = system.vault();
    const asked = { field: 'reason', metadata: { problem: 'REQUIRED' } };
    await expect(operator.getConsignee({ waybillNumber, purpose })).rejects.toMatchObject(asked);
    const legal = { waybillNumber, purpose: Purpose.LEGAL_REQUEST };
    const vault = system.vault(merchantKey);
    await expect(vault.getConsignee(legal)).rejects.toMatchObject(asked);
    await vault.getConsignee({ ...legal, reason: '调证通知书 7' });
    await operator.getConsignee({ waybillNumber, purpose, reason: '工单 42' });
    const kinds = (await accesses(system, waybillNumber)).map((row) => row['caller_kind']);
    expect(kinds).toEqual(['merchant', 'operator']);
  });

  it('says when the key service is away, on a server that has no key open', async () => {
    const waybillNumber = await issue(system, shop, 'G-8');
    let askedCount = 0;
    const down = () => {
      askedCount += 1;
      return Promise.reject(new RpcError('DEPENDENCY_DOWN'));
    };
    const keyId = system.secrets.keyring.currentId;
    const keyring = new Keyring({ current: { keyId, wrap: down, unwrap: down } });
    await using second = await secondServer(system, { keyring });
    const read = () => second.vault(merchantKey).getConsignee({ waybillNumber, purpose });
    await expect(read()).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN', retryable: true });
    // The client repeats such a call by itself, too.
    expect(askedCount % 3).toBe(0);
    expect(askedCount).toBeGreaterThan(0);
  });

  it('needs its own scope', async () => {
    const waybillNumber = await issue(system, shop, 'G-7');
    const read = system.vault(shop.apiKey).getConsignee({ waybillNumber, purpose });
    await expect(read).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
      metadata: { scope: 'consignee.read' },
    });
  });

  it.each([
    ['waybill_number', { waybillNumber: '' }],
    ['waybill_number', { waybillNumber: 'x y' }],
    ['purpose', { purpose: Purpose.UNSPECIFIED }],
    ['purpose', { purpose: 99 as Purpose }],
    ['reason', { reason: '长'.repeat(201) }],
    ['reason', { reason: 'a\u0000' }],
  ])('refuses a wrong %s: %j', async (field, change) => {
    const request = { waybillNumber: 'Q00000', purpose, ...change };
    const read = system.vault(merchantKey).getConsignee(request);
    await expect(read).rejects.toMatchObject({ reason: 'FIELD_INVALID', field });
  });
});

describe('BatchGetConsignees', () => {
  it('answers each number, in order, with an entry for each that it opened', async () => {
    const numbers = [await issue(system, shop, 'B-1'), await issue(system, shop, 'B-2')];
    const [first = '', second = ''] = numbers;
    const vault = system.vault(merchantKey);
    const waybillNumbers = [second, 'ZZ99999', first];
    const { outcomes } = await vault.batchGetConsignees({ waybillNumbers, purpose });
    expect(outcomes.map((each) => each.waybillNumber)).toEqual(waybillNumbers);
    expect(outcomes.map(({ outcome }) => outcome.case)).toEqual([
      'consignee',
      'error',
      'consignee',
    ]);
    const { outcome } = outcomes[1] as (typeof outcomes)[number];
    const error = outcome.case === 'error' ? outcome.value : undefined;
    expect(error && [reasonOf(error.reason), error.field]).toEqual([
      'WAYBILL_NOT_FOUND',
      'waybill_numbers[1]',
    ]);
    for (const number of numbers) expect(await accesses(system, number)).toHaveLength(1);
    expect(await accesses(system, 'ZZ99999')).toEqual([]);
  });

  it('refuses an empty list, a long one, and a number that stands twice', async () => {
    const vault = system.vault(merchantKey);
    const ask = (waybillNumbers: string[]) => vault.batchGetConsignees({ waybillNumbers, purpose });
    const many = Array.from({ length: 101 }, (_, i) => `Q${10_000 + i}`);
    const problem = (name: string) => ({ metadata: { problem: name } });
    await expect(ask([])).rejects.toMatchObject(problem('LIST_SIZE'));
    await expect(ask(many)).rejects.toMatchObject(problem('LIST_SIZE'));
    await expect(ask(['Q10000', 'Q10000'])).rejects.toMatchObject({
      field: 'waybill_numbers[1]',
      ...problem('REPEATED'),
    });
    expect((await ask(many.slice(1))).outcomes).toHaveLength(100);
  });
});

it('the database allows exactly the words that the service knows', async () => {
  const rows = await system.database.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
     where conrelid = 'waybill.consignee_access'::regclass`,
  );
  const allowedBy = (name: string) => {
    const definition = rows.find((row) => row.name === name)?.definition ?? '';
    return [...definition.matchAll(/'([a-z_]+)'/g)].map(([, word]) => word);
  };
  expect(allowedBy('consignee_access_purpose_check')).toEqual(Object.keys(PURPOSES));
  expect(allowedBy('consignee_access_operation_check')).toEqual(Object.keys(OPERATIONS));
});
