import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '#libs/privacy';
import { WaybillsIssuedSchema } from '#proto/queqiao/waybill/v1/event';
import { ConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { IssueReturnWaybillRequestSchema } from '#proto/queqiao/waybill/v1/waybill_service';
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
  shop = await seedMerchant(system, { spread: 8 });
});
afterAll(() => system[Symbol.asyncDispose]());

const client = (apiKey = shop.apiKey) => system.waybill(apiKey);

async function issue(orderRef: string, change: ParcelInit = {}): Promise<string> {
  const { issued } = await client().issueWaybill({ parcel: parcelOf(shop, orderRef, change) });
  return issued?.waybillNumber ?? '';
}

async function giveBack(request: Request, apiKey = shop.apiKey) {
  return (await client(apiKey).issueReturnWaybill({ parcelNo: 501, ...request })).issued;
}

const read = async (waybillNumber: string) =>
  (await client().getWaybill({ waybillNumber })).waybill;

describe('IssueReturnWaybill', () => {
  it('goes back to the node, from the consignee, linked both ways', async () => {
    const outward = await issue('R-1');
    const issued = await giveBack({ outwardWaybillNumber: outward, weightG: 800 });
    const number = issued?.waybillNumber ?? '';
    expect(number).not.toBe(outward);
    expect(await read(number)).toMatchObject({
      ...{ orderRef: 'R-1', parcelNo: 501, courierId: shop.courierId, nodeId: shop.nodeId },
      ...{ outwardWaybillNumber: outward, returnWaybillNumbers: [], weightG: 800 },
      consignee: { name: '测***', phone: '021-******78', district: '青浦区' },
      sender: { name: '欧阳**', phone: '138******78', district: '余杭区' },
    });
    const second = await giveBack({ outwardWaybillNumber: outward, parcelNo: 502 });
    const found = await read(outward);
    expect(found?.returnWaybillNumbers).toEqual([number, second?.waybillNumber]);
    expect(found?.outwardWaybillNumber).toBe('');
    expect(found?.sender).toBeUndefined();
  });

  it('seals the sender for the new number, apart from the consignee', async () => {
    const outwardWaybillNumber = await issue('R-2');
    const number = (await giveBack({ outwardWaybillNumber }))?.waybillNumber ?? '';
    const [row] = await system.database.query<Sealed>(
      `select sender_sealed, data_key.wrapped, data_key.master_key_id
       from waybill.waybill join waybill.data_key using (data_key_id)
       where waybill_number = $1`,
      [number],
    );
    if (row === undefined) throw new Error('no row');
    const { wrapped, master_key_id: masterKeyId } = row;
    const key = await system.secrets.keyring.unwrap({ masterKeyId, wrapped });
    const opened = open(key, row.sender_sealed, Buffer.from(`${number}/sender`));
    expect(fromBinary(ConsigneeSchema, opened).name).toBe('欧阳修远');
    expect(() => open(key, row.sender_sealed, Buffer.from(number))).toThrow();
  });

  it('is announced as what it is', async () => {
    const outwardWaybillNumber = await issue('R-3');
    const number = (await giveBack({ outwardWaybillNumber }))?.waybillNumber;
    const events = await system.database.query<{ payload: Buffer }>(
      'select payload from waybill.outbox where subject = $1',
      [`queqiao.v1.waybill.${shop.courierId}.issued`],
    );
    const parcels = events.flatMap(
      ({ payload }) => fromBinary(WaybillsIssuedSchema, payload).parcels,
    );
    expect(parcels.filter((parcel) => parcel.waybillNumber === number)).toMatchObject([
      { outwardWaybillNumber, district: '青浦区' },
    ]);
  });

  it('answers a repeat and many at once the same, whatever became of the outward one', async () => {
    const outwardWaybillNumber = await issue('R-4');
    const all = await Promise.all(
      Array.from({ length: 8 }, () => giveBack({ outwardWaybillNumber })),
    );
    expect(new Set(all.map((issued) => issued?.waybillNumber)).size).toBe(1);
    await client().cancelWaybill({ waybillNumber: outwardWaybillNumber });
    expect(await giveBack({ outwardWaybillNumber })).toMatchObject({
      waybillNumber: all[0]?.waybillNumber,
      alreadyIssued: true,
    });
    const other = giveBack({ outwardWaybillNumber, remark: '破损' });
    await expect(other).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED', field: 'remark' });
    const next = giveBack({ outwardWaybillNumber, parcelNo: 502 });
    await expect(next).rejects.toMatchObject({ reason: 'STATE_NOT_ALLOWED' });
  });

  it('does not take the key of an outward parcel, nor that of another one’s return', async () => {
    const first = await issue('R-5');
    const second = await issue('R-5', { parcelNo: 2 });
    const taken = giveBack({ outwardWaybillNumber: first, parcelNo: 2 });
    await expect(taken).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED' });
    await giveBack({ outwardWaybillNumber: first });
    await expect(giveBack({ outwardWaybillNumber: second })).rejects.toMatchObject({
      reason: 'PARCEL_KEY_REUSED',
      field: 'outward_waybill_number',
    });
    const asParcel = issue('R-5', { parcelNo: 501 });
    await expect(asParcel).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED' });
  });

  it('takes a consignee, courier and node of its own', async () => {
    const consignee = parcelOf(shop, 'X').consignee as object;
    const other = await seedMerchant(system);
    const outwardWaybillNumber = await issue('R-6');
    const issued = await giveBack({
      ...{ outwardWaybillNumber, courierId: other.courierId, serviceCode: 'same-day' },
      consignee: { ...consignee, name: '退货组' },
    });
    expect(await read(issued?.waybillNumber ?? '')).toMatchObject({
      ...{ courierId: other.courierId, serviceCode: 'same-day', nodeId: shop.nodeId },
      consignee: { name: '退**', city: '杭州市' },
    });
    // Another merchant's node, and so its address, is as good as none.
    const foreign = giveBack({ outwardWaybillNumber, parcelNo: 503, nodeId: other.nodeId });
    await expect(foreign).rejects.toMatchObject({ reason: 'NODE_NOT_FOUND', field: 'node_id' });
  });

  it('is not returned itself, and is nobody else’s', async () => {
    const outwardWaybillNumber = await issue('R-7');
    const number = (await giveBack({ outwardWaybillNumber }))?.waybillNumber ?? '';
    await expect(giveBack({ outwardWaybillNumber: number, parcelNo: 502 })).rejects.toMatchObject({
      reason: 'RETURN_OF_RETURN',
      metadata: { waybill_number: number },
    });
    const other = await seedMerchant(system);
    const foreign = giveBack({ outwardWaybillNumber }, other.apiKey);
    await expect(foreign).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    expect(await giveBack({ outwardWaybillNumber }, system.operatorKey)).toMatchObject({
      waybillNumber: number,
    });
  });

  it.each<[string, string, Request]>([
    ['outward_waybill_number', 'FIELD_INVALID', { outwardWaybillNumber: '' }],
    ['outward_waybill_number', 'WAYBILL_NOT_FOUND', { outwardWaybillNumber: 'ZZ99999' }],
    ['parcel_no', 'FIELD_INVALID', { parcelNo: 0 }],
    ['parcel_no', 'FIELD_INVALID', { parcelNo: 1_000 }],
    ['courier_id', 'COURIER_NOT_FOUND', { courierId: 'nobody' }],
    ['service_code', 'SERVICE_NOT_OFFERED', { serviceCode: 'teleport' }],
    ['node_id', 'NODE_NOT_FOUND', { nodeId: 'nowhere' }],
    ['weight_g', 'FIELD_INVALID', { weightG: -1 }],
    ['consignee.name', 'FIELD_INVALID', { consignee: {} }],
    ['added_services[0].code', 'ADDED_SERVICE_NOT_OFFERED', { addedServices: [{ code: 'cod' }] }],
  ])('refuses a wrong %s with %s', async (field, reason, change) => {
    const outwardWaybillNumber = await issue('BAD');
    const call = giveBack({ outwardWaybillNumber, ...change });
    await expect(call).rejects.toMatchObject({ reason, field });
  });

  it('can be changed, and keeps its sender', async () => {
    const outwardWaybillNumber = await issue('R-8');
    const waybillNumber = (await giveBack({ outwardWaybillNumber }))?.waybillNumber ?? '';
    const address = { province: '湖北省', city: '武汉市', detail: '沿江大道2号' };
    const { waybill } = await client().updateWaybill({ waybillNumber, version: 1, address });
    expect(waybill).toMatchObject({
      outwardWaybillNumber,
      consignee: { city: '武汉市' },
      sender: { name: '欧阳**' },
    });
    expect(await giveBack({ outwardWaybillNumber })).toMatchObject({ waybillNumber });
  });
});

type Sealed = { sender_sealed: Buffer; wrapped: Buffer; master_key_id: string };
type Request = Exclude<
  MessageInitShape<typeof IssueReturnWaybillRequestSchema>,
  { $typeName: string }
>;
