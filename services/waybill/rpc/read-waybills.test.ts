import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonOf } from '#libs/errors';
import { writePageToken } from '#libs/page';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { WaybillOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

let system: TestSystem;
let shop: SeededMerchant;
let numbers: string[];

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system, { spread: 4 });
  numbers = await issueAll(shop, 30);
});
afterAll(() => system[Symbol.asyncDispose]());

async function issueAll(merchant: SeededMerchant, count: number): Promise<string[]> {
  const client = system.waybill(merchant.apiKey);
  const numbers: string[] = [];
  // One by one, so that issue times differ.
  for (let i = 0; i < count; i++) {
    const { issued } = await client.issueWaybill({ parcel: parcelOf(merchant, `O-${i}`) });
    numbers.push(issued?.waybillNumber ?? '');
  }
  return numbers;
}

function summary({ outcome }: WaybillOutcome): string {
  if (outcome.case === 'waybill') return outcome.value.waybillNumber;
  if (outcome.case === 'error') return `${reasonOf(outcome.value.reason)} ${outcome.value.field}`;
  return '';
}

describe('GetWaybill', () => {
  it('answers the waybill with the consignee masked', async () => {
    const number = numbers[0] as string;
    const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber: number });
    expect(waybill).toMatchObject({
      waybillNumber: number,
      merchantId: shop.merchantId,
      orderRef: 'O-0',
      parcelNo: 1,
      courierId: shop.courierId,
      serviceCode: 'standard',
      nodeId: shop.nodeId,
      state: Waybill_State.ISSUED,
      consignee: { name: '欧阳**', phone: '138******78', city: '杭州市', district: '余杭区' },
      weightG: 1_250,
      goodsDescription: '茶叶',
      version: 1,
    });
  });

  it('answers its courier and an operator, and nobody else', async () => {
    const other = await seedMerchant(system);
    const waybillNumber = numbers[0] as string;
    const keyOf = async (courierId: string) => {
      const { secret } = await system.network().createApiKey({
        apiKey: {
          apiKeyId: `key-of-${courierId}`,
          subject: { kind: Subject_Kind.COURIER, id: courierId },
          scopes: ['waybill.read'],
        },
      });
      return secret;
    };
    const notFound = { reason: 'WAYBILL_NOT_FOUND', metadata: { id: waybillNumber } };
    const get = (apiKey?: string) => system.waybill(apiKey).getWaybill({ waybillNumber });
    expect((await get()).waybill?.orderRef).toBe('O-0');
    expect((await get(await keyOf(shop.courierId))).waybill?.orderRef).toBe('O-0');
    await expect(get(other.apiKey)).rejects.toMatchObject(notFound);
    await expect(get(await keyOf(other.courierId))).rejects.toMatchObject(notFound);
  });

  it('refuses what cannot be a number and does not find what is none', async () => {
    const get = (waybillNumber: string) =>
      system.waybill(shop.apiKey).getWaybill({ waybillNumber });
    await expect(get('')).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    await expect(get('q1')).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
    await expect(get('ZZ99999')).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    // Inside a lease, but not issued.
    const last = numbers.at(-1) as string;
    const next = `${BigInt(last.slice(1, -1)) + 20n}`;
    await expect(get(`Q${next.padStart(15, '0')}0`)).rejects.toMatchObject({
      reason: 'WAYBILL_NOT_FOUND',
    });
  });
});

describe('BatchGetWaybills', () => {
  it('answers each number with its own outcome, in request order', async () => {
    const asked = [numbers[3], 'nonsense!', 'ZZ99999', numbers[1]] as string[];
    const client = system.waybill(shop.apiKey);
    const { outcomes } = await client.batchGetWaybills({ waybillNumbers: asked });
    expect(outcomes.map(summary)).toEqual([
      numbers[3],
      'FIELD_INVALID waybill_numbers[1]',
      'WAYBILL_NOT_FOUND waybill_numbers[2]',
      numbers[1],
    ]);
    await expect(client.batchGetWaybills({ waybillNumbers: [] })).rejects.toMatchObject({
      field: 'waybill_numbers',
    });
  });
});

describe('LookUpWaybills', () => {
  it('finds parcels by the merchant’s own keys, whatever the case', async () => {
    const client = system.waybill(shop.apiKey);
    const { outcomes } = await client.lookUpWaybills({
      keys: [
        { orderRef: 'o-7' },
        { orderRef: 'O-8', parcelNo: 1 },
        { orderRef: 'O-8', parcelNo: 2 },
        { orderRef: 'a b' },
      ],
    });
    expect(outcomes.map(summary)).toEqual([
      numbers[7],
      numbers[8],
      'WAYBILL_NOT_FOUND order_ref',
      'FIELD_INVALID order_ref',
    ]);
  });

  it('does not find another merchant’s parcels; an operator names the merchant', async () => {
    const other = await seedMerchant(system);
    const keys = [{ orderRef: 'O-7' }];
    const { outcomes } = await system.waybill(other.apiKey).lookUpWaybills({ keys });
    expect(outcomes.map(summary)).toEqual(['WAYBILL_NOT_FOUND order_ref']);
    const { merchantId } = shop;
    const named = await system.waybill().lookUpWaybills({ merchantId, keys });
    expect(named.outcomes.map(summary)).toEqual([numbers[7]]);
    await expect(system.waybill().lookUpWaybills({ keys })).rejects.toMatchObject({
      field: 'merchant_id',
    });
  });
});

describe('ListWaybills', () => {
  async function walk(filter: object, pageSize: number): Promise<string[]> {
    const client = system.waybill(shop.apiKey);
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await client.listWaybills({ ...filter, pageSize, pageToken });
      expect(page.waybills.length).toBeLessThanOrEqual(pageSize);
      seen.push(...page.waybills.map(({ waybillNumber }) => waybillNumber));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    return seen;
  }

  it.each([1, 7, 30, 1_000])('walks all waybills once, newest first, %i a page', async (size) => {
    expect(await walk({}, size)).toEqual(numbers.toReversed());
  });

  it('keeps to state, courier, node and time', async () => {
    const client = system.waybill(shop.apiKey);
    await client.cancelWaybill({ waybillNumber: numbers[4] as string });
    expect(await walk({ state: Waybill_State.CANCELLED }, 10)).toEqual([numbers[4]]);
    expect(await walk({ courierId: 'nobody' }, 10)).toEqual([]);
    expect(await walk({ nodeId: shop.nodeId }, 10)).toHaveLength(30);
    const { waybill } = await client.getWaybill({ waybillNumber: numbers[9] as string });
    const time = timestampDate(waybill?.issueTime ?? timestampFromDate(new Date(0)));
    const from = await walk({ issueTimeFrom: timestampFromDate(time) }, 10);
    const before = await walk({ issueTimeBefore: timestampFromDate(time) }, 10);
    expect(from).toContain(numbers[9]);
    expect(before).not.toContain(numbers[9]);
    expect([...from, ...before]).toEqual(numbers.toReversed());
  });

  it('refuses a token of other arguments, an unknown state and crossed times', async () => {
    const client = system.waybill(shop.apiKey);
    const { nextPageToken } = await client.listWaybills({ pageSize: 5 });
    const other = client.listWaybills({ pageToken: nextPageToken, courierId: shop.courierId });
    await expect(other).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    await expect(client.listWaybills({ state: 99 as Waybill_State })).rejects.toMatchObject({
      field: 'state',
    });
    const forged = [writePageToken(['never', 'Q12345'], [shop.merchantId, '{}']), 'bm9uc2Vuc2U'];
    for (const pageToken of forged) {
      await expect(client.listWaybills({ pageToken })).rejects.toMatchObject({
        reason: 'PAGE_TOKEN_INVALID',
      });
    }
    const never = client.listWaybills({ issueTimeFrom: { seconds: 10n ** 18n } });
    await expect(never).rejects.toMatchObject({ field: 'issue_time_from' });
    const issueTimeFrom = timestampFromDate(new Date());
    const crossed = client.listWaybills({ issueTimeFrom, issueTimeBefore: issueTimeFrom });
    await expect(crossed).rejects.toMatchObject({ field: 'issue_time_before' });
  });
});
