import { fromBinary, type MessageInitShape, toJsonString } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WaybillUpdatedSchema } from '#proto/queqiao/waybill/v1/event';
import type { Extent } from '#proto/queqiao/waybill/v1/waybill';
import type { UpdateWaybillRequestSchema } from '#proto/queqiao/waybill/v1/waybill_life';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system, {
    addedServices: [{ code: 'eco', displayName: '环保包装', serviceCodes: ['same-day'] }],
  });
});
afterAll(() => system[Symbol.asyncDispose]());

async function issue(orderRef: string, change: ParcelInit = {}): Promise<string> {
  const parcel = parcelOf(shop, orderRef, change);
  return (await issueAgain(parcel)).issued?.waybillNumber ?? '';
}

const issueAgain = (parcel: ParcelInit) => system.waybill(shop.apiKey).issueWaybill({ parcel });

const update = (request: Update, apiKey = shop.apiKey) =>
  system.waybill(apiKey).updateWaybill(request);

const versions = async (waybillNumber: string, apiKey = shop.apiKey) =>
  (await system.waybill(apiKey).listWaybillVersions({ waybillNumber })).versions;

async function updatedEvents(waybillNumber: string) {
  const rows = await system.database.query<{ payload: Buffer }>(
    'select payload from waybill.outbox where subject = $1 order by id',
    [`queqiao.v1.waybill.${shop.courierId}.updated`],
  );
  return rows
    .map(({ payload }) => fromBinary(WaybillUpdatedSchema, payload))
    .filter((event) => event.waybillNumber === waybillNumber);
}

const CONSIGNEE = {
  name: '司马相如',
  phone: '13998765432',
  address: { province: '四川省', city: '成都市', district: '青羊区', detail: '琴台路1号' },
};
const ADDRESS = { province: '湖北省', city: '武汉市', district: '江岸区', detail: '沿江大道2号' };

describe('UpdateWaybill', () => {
  it('changes what is set, keeps the rest, and announces the region alone', async () => {
    const waybillNumber = await issue('U-1');
    const { waybill } = await update({
      ...{ waybillNumber, version: 1, consignee: CONSIGNEE, weightG: 900 },
    });
    expect(waybill).toMatchObject({
      version: 2,
      consignee: { name: '司马**', phone: '139******32', city: '成都市' },
      weightG: 900,
      goodsDescription: '茶叶',
    });
    const events = await updatedEvents(waybillNumber);
    expect(events).toMatchObject([
      { orderRef: 'U-1', version: 2, weightG: 900, district: '青羊区', serviceCode: 'standard' },
    ]);
    const told = events.map((event) => toJsonString(WaybillUpdatedSchema, event)).join();
    expect(told).not.toMatch(/司马|琴台|13998765432/);
    const { waybill: read } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber });
    expect(read).toEqual(waybill);
  });

  it.each<[string, Partial<Update>, object]>([
    ['address', { address: ADDRESS }, { consignee: { name: '欧阳**', city: '武汉市' } }],
    ['volume_ml', { volumeMl: 3_000 }, { volumeMl: 3_000 }],
    ['goods_value_fen', { goodsValueFen: 990n }, { goodsValueFen: 990n }],
    ['goods_description', { goodsDescription: '' }, { goodsDescription: '' }],
    ['remark', { remark: '放门卫' }, { remark: '放门卫' }],
    ['service_code', { serviceCode: 'same-day' }, { serviceCode: 'same-day' }],
    [
      'added_services',
      { serviceCode: 'same-day', addedServices: { addedServices: [{ code: 'eco' }] } },
      { addedServices: [{ code: 'eco' }] },
    ],
  ])('changes %s', async (field, change, expected) => {
    const waybillNumber = await issue(`F-${field}`);
    const { waybill } = await update({ waybillNumber, version: 1, ...change });
    expect(waybill).toMatchObject({ ...expected, version: 2 });
  });

  it('answers a repeat the same, makes no version where nothing differs', async () => {
    const waybillNumber = await issue('R-1');
    const request = { waybillNumber, version: 1, weightG: 777, remark: '急' };
    const first = await update(request);
    expect(await update(request)).toEqual(first);
    expect(await update({ waybillNumber, version: 2, weightG: 777 })).toEqual(first);
    expect(await update({ waybillNumber, version: 9 })).toEqual(first);
    expect(await updatedEvents(waybillNumber)).toHaveLength(1);
  });

  it('refuses a change of a version that is not the current one', async () => {
    const waybillNumber = await issue('S-1');
    await update({ waybillNumber, version: 1, weightG: 1 });
    const stale = update({ waybillNumber, version: 1, weightG: 2 });
    await expect(stale).rejects.toMatchObject({ reason: 'CONFLICT' });
    const early = update({ waybillNumber, version: 3, weightG: 2 });
    await expect(early).rejects.toMatchObject({ reason: 'CONFLICT' });
  });

  it('lets one of many changes at once win', async () => {
    const waybillNumber = await issue('M-1');
    const all = await Promise.allSettled(
      [1, 2, 3, 4, 5, 6].map((weightG) => update({ waybillNumber, version: 1, weightG })),
    );
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const each of all) {
      if (each.status === 'rejected') expect(each.reason).toMatchObject({ reason: 'CONFLICT' });
    }
    expect(await versions(waybillNumber)).toHaveLength(2);
    expect(await updatedEvents(waybillNumber)).toHaveLength(1);
  });

  it.each<[string, string, Partial<Update>]>([
    ['waybill_number', 'FIELD_INVALID', { waybillNumber: 'x' }],
    ['waybill_number', 'WAYBILL_NOT_FOUND', { waybillNumber: 'ZZ99999' }],
    ['version', 'FIELD_INVALID', { version: 0 }],
    ['version', 'FIELD_INVALID', { version: -1 }],
    ['extent', 'FIELD_INVALID', { extent: 7 as Extent }],
    ['consignee.name', 'FIELD_INVALID', { consignee: { ...CONSIGNEE, name: '' } }],
    ['address', 'FIELD_INVALID', { consignee: CONSIGNEE, address: ADDRESS }],
    ['address.province', 'FIELD_INVALID', { address: { ...ADDRESS, province: '' } }],
    ['weight_g', 'FIELD_INVALID', { weightG: -1 }],
    ['volume_ml', 'FIELD_INVALID', { volumeMl: 10_000_001 }],
    ['goods_value_fen', 'FIELD_INVALID', { goodsValueFen: -1n }],
    ['goods_description', 'CHARACTER_ILLEGAL', { goodsDescription: '<' }],
    ['remark', 'FIELD_INVALID', { remark: '字'.repeat(201) }],
    ['service_code', 'SERVICE_NOT_OFFERED', { serviceCode: 'teleport' }],
    ['service_code', 'FIELD_INVALID', { serviceCode: 'A B' }],
    ['added_services[0].code', 'ADDED_SERVICE_NOT_OFFERED', added('eco')],
    ['added_services[0].code', 'FIELD_INVALID', added('Eco')],
  ])('refuses a wrong %s with %s and changes nothing', async (field, reason, change) => {
    const waybillNumber = await issue('BAD');
    const call = update({ waybillNumber, version: 1, weightG: 3, ...change });
    await expect(call).rejects.toMatchObject({ reason, field });
    expect(await versions(waybillNumber)).toHaveLength(1);
  });

  it('does not find another merchant’s waybill, nor change one that was given up', async () => {
    const waybillNumber = await issue('T-1');
    const other = await seedMerchant(system);
    const foreign = update({ waybillNumber, version: 1, weightG: 1 }, other.apiKey);
    await expect(foreign).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber });
    const late = update({ waybillNumber, version: 2, weightG: 1 });
    await expect(late).rejects.toMatchObject({
      reason: 'STATE_NOT_ALLOWED',
      metadata: { state: 'cancelled' },
    });
  });

  it('goes on answering the number for the first contents and the current ones alone', async () => {
    const first = parcelOf(shop, 'REPEAT');
    const waybillNumber = await issue('REPEAT');
    await update({ waybillNumber, version: 1, consignee: CONSIGNEE });
    await update({ waybillNumber, version: 2, serviceCode: 'same-day', address: ADDRESS });
    const current: ParcelInit = {
      ...first,
      consignee: { ...CONSIGNEE, address: ADDRESS },
      serviceCode: 'same-day',
    };
    for (const parcel of [first, current]) {
      const { issued } = await issueAgain(parcel);
      expect(issued).toMatchObject({ waybillNumber, alreadyIssued: true });
    }
    const between = issueAgain({ ...first, consignee: CONSIGNEE });
    await expect(between).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED' });
    const other = issueAgain({ ...first, weightG: 5 });
    await expect(other).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED' });
  });

  it('stops at 100 versions, and can still be cancelled', async () => {
    const waybillNumber = await issue('MANY');
    await system.database.query(
      'update waybill.waybill set version = 100 where waybill_number = $1',
      [waybillNumber],
    );
    const call = update({ waybillNumber, version: 100, weightG: 1 });
    await expect(call).rejects.toMatchObject({ reason: 'LIMIT_EXCEEDED', field: 'version' });
    const { waybill } = await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber });
    expect(waybill?.version).toBe(101);
  });
});

describe('ListWaybillVersions', () => {
  it('shows each version as it was, masked, and who made it', async () => {
    const waybillNumber = await issue('V-1');
    await update({ waybillNumber, version: 1, consignee: CONSIGNEE });
    await update({ waybillNumber, version: 2, weightG: 5 }, system.operatorKey);
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber });
    const all = await versions(waybillNumber);
    expect(all).toMatchObject([
      { waybill: { version: 1, consignee: { name: '欧阳**' }, weightG: 1_250 } },
      { waybill: { version: 2, consignee: { name: '司马**' }, weightG: 1_250 } },
      { waybill: { version: 3, consignee: { name: '司马**' }, weightG: 5 } },
      { waybill: { version: 4, weightG: 5 } },
    ]);
    expect(all[0]?.changer).toBeUndefined();
    expect(all[1]?.changer).toMatchObject({ kind: 'merchant', id: shop.merchantId });
    expect(all[1]?.changer?.apiKeyId).toMatch(/^key-/);
    // The key of an operator is nothing to a merchant.
    expect(all[2]?.changer).toMatchObject({ kind: 'operator', id: '', apiKeyId: '' });
    expect((await versions(waybillNumber, system.operatorKey))[2]?.changer?.apiKeyId).not.toBe('');
    const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber });
    expect(all[3]?.waybill).toEqual(waybill);
    const other = await seedMerchant(system);
    await expect(versions(waybillNumber, other.apiKey)).rejects.toMatchObject({
      reason: 'WAYBILL_NOT_FOUND',
    });
  });

  it('keeps old consignees sealed', async () => {
    const waybillNumber = await issue('V-2');
    await update({ waybillNumber, version: 1, consignee: CONSIGNEE });
    const [row] = await system.database.query<{ whole: string }>(
      `select encode(body || consignee_masked || consignee_sealed, 'hex') as whole
       from waybill.waybill_version where waybill_number = $1`,
      [waybillNumber],
    );
    const plain = Buffer.from(row?.whole ?? '', 'hex').toString();
    expect(plain).toContain('余杭区');
    for (const secret of ['修远', '13812345678', '文一西路']) expect(plain).not.toContain(secret);
  });
});

function added(code: string): Partial<Update> {
  return { addedServices: { addedServices: [{ code }] } };
}

type Update = Exclude<MessageInitShape<typeof UpdateWaybillRequestSchema>, { $typeName: string }>;
