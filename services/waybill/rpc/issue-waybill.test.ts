import type { MessageInitShape } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddedServiceAttribute_Type as Type } from '#proto/queqiao/network/v1/courier';
import type { AddedServiceSchema } from '#proto/queqiao/waybill/v1/waybill';
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
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const issue = (parcel: ParcelInit) => system.waybill(shop.apiKey).issueWaybill({ parcel });

describe('IssueWaybill', () => {
  it('answers one number, the same for a repeat', async () => {
    const first = await issue(parcelOf(shop, 'ONE'));
    expect(first.issued).toMatchObject({ alreadyIssued: false });
    const again = await issue(parcelOf(shop, 'ONE', { parcelNo: 1 }));
    expect(again.issued).toMatchObject({
      alreadyIssued: true,
      waybillNumber: first.issued?.waybillNumber,
      issueTime: first.issued?.issueTime,
    });
  });

  it('fails the call with what would fail the item', async () => {
    await expect(issue(parcelOf(shop, 'BAD', { weightG: -1 }))).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      field: 'weight_g',
      metadata: { problem: 'OUT_OF_RANGE', min: '0', max: '1000000' },
    });
    await issue(parcelOf(shop, 'USED'));
    await expect(issue(parcelOf(shop, 'USED', { remark: '急' }))).rejects.toMatchObject({
      reason: 'PARCEL_KEY_REUSED',
      field: 'remark',
    });
    await expect(system.waybill(shop.apiKey).issueWaybill({})).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      field: 'parcel',
    });
  });

  it('takes added services as declared, gives them back and compares them', async () => {
    const amount = { name: 'amount_fen', type: Type.INTEGER, required: true, min: 1n };
    const cod = { code: 'cod', displayName: '代收货款', attributes: [amount] };
    const eco = { code: 'eco', displayName: '环保包装' };
    const seller = await seedMerchant(system, { addedServices: [cod, eco] });
    const client = system.waybill(seller.apiKey);
    const send = (addedServices: Added[]) =>
      client.issueWaybill({ parcel: parcelOf(seller, 'COD', { addedServices }) });
    const codOf = (value: bigint): Added => ({
      code: 'cod',
      attributes: { amount_fen: { value: { case: 'integer', value } } },
    });
    await expect(send([codOf(0n)])).rejects.toMatchObject({
      reason: 'FIELD_INVALID',
      field: 'added_services[0].attributes.amount_fen',
      metadata: { problem: 'OUT_OF_RANGE', min: '1' },
    });
    const { issued } = await send([{ code: 'eco' }, codOf(19_900n)]);
    const waybillNumber = issued?.waybillNumber ?? '';
    const { waybill } = await client.getWaybill({ waybillNumber });
    expect(waybill?.addedServices).toMatchObject([codOf(19_900n), { code: 'eco' }]);
    const again = await send([codOf(19_900n), { code: 'eco' }]);
    expect(again.issued).toMatchObject({ waybillNumber, alreadyIssued: true });
    for (const other of [[codOf(19_901n), { code: 'eco' }], [codOf(19_900n)], []]) {
      await expect(send(other)).rejects.toMatchObject({
        reason: 'PARCEL_KEY_REUSED',
        field: 'added_services',
      });
    }
  });

  it('serves as many calls as it takes while it asks afresh who calls', async () => {
    await issue(parcelOf(shop, 'WARM'));
    for (let round = 0; round < 10; round++) {
      // Announced to every process: what is remembered of keys is asked for again, which must not
      // wait behind the very calls that need it.
      await seedMerchant(system);
      const calls = Array.from({ length: 200 }, (_, i) =>
        issue(parcelOf(shop, `FRESH-${round}-${i}`)),
      );
      const numbers = (await Promise.all(calls)).map(({ issued }) => issued?.waybillNumber);
      expect(new Set(numbers).size).toBe(200);
    }
  });

  it('writes many single calls together, each with its own number', async () => {
    const calls = Array.from({ length: 200 }, (_, i) => issue(parcelOf(shop, `MANY-${i}`)));
    const numbers = (await Promise.all(calls)).map(({ issued }) => issued?.waybillNumber);
    expect(new Set(numbers).size).toBe(200);
    const [row] = await system.database.query<{ commits: string }>(
      `select count(distinct xmin::text) as commits from waybill.waybill
       where order_ref like 'MANY-%'`,
    );
    expect(Number(row?.commits)).toBeLessThan(150);
  });
});

type Added = Exclude<MessageInitShape<typeof AddedServiceSchema>, { $typeName: string }>;
