import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabelFormat } from '#proto/queqiao/waybill/v1/label_service';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels } from '../account.fixture.ts';
import { render } from '../label.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let numbers: string[];
const time = new Date('2026-11-25T12:34:56.789Z');

beforeAll(async () => {
  system = await testSystem({ now: () => time });
  shop = await seedMerchant(system);
  numbers = await draw(system, shop, parcels(shop, 'P', 3));
});
afterAll(() => system[Symbol.asyncDispose]());

describe('ListLabelPrints', () => {
  it('tells who printed what, when and how often, newest first', async () => {
    const items = numbers.map((waybillNumber) => ({ waybillNumber }));
    const requestId = randomUUID();
    await render(system, shop.apiKey, { items, requestId });
    const again = { items: items.slice(0, 1), format: LabelFormat.ZPL };
    await render(system, system.operatorKey, { ...again, reason: '补打' });
    const { prints } = await system.label(shop.apiKey).listLabelPrints({});
    expect(prints).toHaveLength(4);
    expect(prints[0]).toMatchObject({
      waybillNumber: numbers[0],
      merchantId: shop.merchantId,
      printCount: 2,
      keyId: system.secrets.labelSigner.keyId,
      callerKind: 'operator',
      callerId: '',
    });
    expect(prints[0]?.nonce).toMatch(/^[0-9a-f]{16}$/);
    const mine = { callerKind: 'merchant', callerId: shop.merchantId, requestId, printCount: 1 };
    expect(prints[3]).toMatchObject({ ...mine, printTime: { seconds: 1_795_610_096n } });
  });

  it('pages, and finds the prints of one waybill', async () => {
    const client = system.label(shop.apiKey);
    const [waybillNumber = ''] = numbers;
    const first = await client.listLabelPrints({ waybillNumber, pageSize: 1 });
    expect(first.prints.map(({ printCount }) => printCount)).toEqual([2]);
    const { nextPageToken: pageToken } = first;
    const second = await client.listLabelPrints({ waybillNumber, pageSize: 1, pageToken });
    expect(second.prints.map(({ printCount }) => printCount)).toEqual([1]);
    expect(second.nextPageToken).toBe('');
    await expect(client.listLabelPrints({ pageToken })).rejects.toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
    await expect(client.listLabelPrints({ waybillNumber: 'x' })).rejects.toMatchObject({
      field: 'waybill_number',
    });
  });

  it('shows a merchant its own, and an operator all', async () => {
    const other = await seedMerchant(system);
    expect((await system.label(other.apiKey).listLabelPrints({})).prints).toEqual([]);
    const [waybillNumber = ''] = numbers;
    const foreign = await system.label(other.apiKey).listLabelPrints({ waybillNumber });
    expect(foreign.prints).toEqual([]);
    const { merchantId } = shop;
    const named = system.label(other.apiKey).listLabelPrints({ merchantId });
    await expect(named).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
    expect((await system.label().listLabelPrints({ merchantId })).prints).toHaveLength(4);
    expect((await system.label().listLabelPrints({})).prints).toHaveLength(4);
  });
});
