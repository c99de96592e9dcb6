import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import { secondServer } from '#test/support/second-server';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { accesses, announced, issue, keyOf, withPhone } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let merchantKey: string;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
  merchantKey = await keyOf(system, 'merchant', shop.merchantId);
});
afterAll(() => system[Symbol.asyncDispose]());

const purpose = Purpose.CUSTOMER_SERVICE;
const reason = '买家要求删除';

function erase(waybillNumber: string, key = merchantKey) {
  const request = { waybillNumber, confirm: waybillNumber, reason };
  return system.vault(key).eraseConsignee(request);
}

describe('EraseConsignee', () => {
  it('leaves the region and nothing else of a person, in any table', async () => {
    const change = { ...withPhone('13911112222'), remark: '打 13911112222 找修远' };
    const waybillNumber = await issue(system, shop, 'E-1', change);
    await system
      .waybill(shop.apiKey)
      .cancelWaybill({ waybillNumber, reason: '修远 13911112222 不要了' });
    const { waybill } = await erase(waybillNumber);
    expect(waybill).toMatchObject({
      waybillNumber,
      consignee: { name: '', phone: '', province: '浙江省', city: '杭州市', district: '余杭区' },
      remark: '',
      cancelReason: '',
      goodsDescription: '茶叶',
    });
    const rows = await system.database.query<{ whole: string; phone_index: string | null }>(
      `select to_jsonb(waybill)::text || encode(body, 'escape')
         || encode(consignee_masked, 'escape') as whole, phone_index
       from waybill.waybill where waybill_number = $1`,
      [waybillNumber],
    );
    expect(rows[0]?.phone_index).toBeNull();
    expect(rows[0]?.whole).not.toMatch(/139111|欧阳|修远|\\347\\222/);
    expect(await accesses(system, waybillNumber)).toMatchObject([
      { operation: 'erase_parcel', purpose: 'none', reason, caller_id: shop.merchantId },
    ]);
  });

  it('is final: not read, not found, and the number is still the parcel’s', async () => {
    const parcel = parcelOf(shop, 'E-2', withPhone('13911113333'));
    const waybillNumber = await issue(system, shop, 'E-2', withPhone('13911113333'));
    await erase(waybillNumber);
    const vault = system.vault(merchantKey);
    await expect(vault.getConsignee({ waybillNumber, purpose })).rejects.toMatchObject({
      reason: 'CONSIGNEE_ERASED',
      metadata: { id: waybillNumber },
    });
    const { waybills } = await vault.findWaybillsByPhone({ phone: '13911113333', purpose });
    expect(waybills).toEqual([]);
    const client = system.waybill(shop.apiKey);
    expect((await client.getWaybill({ waybillNumber })).waybill?.orderRef).toBe('E-2');
    const { issued } = await client.issueWaybill({ parcel });
    expect(issued).toMatchObject({ waybillNumber, alreadyIssued: true });
    const other = client.issueWaybill({ parcel: { ...parcel, weightG: 1 } });
    await expect(other).rejects.toMatchObject({ reason: 'PARCEL_KEY_REUSED', field: 'weight_g' });
  });

  it('reaches old versions, and the sender of returns', async () => {
    const client = system.waybill(shop.apiKey);
    const waybillNumber = await issue(system, shop, 'E-6');
    const consignee = { ...parcelOf(shop, 'E-6').consignee, name: '诸葛明' };
    await client.updateWaybill({ waybillNumber, version: 1, consignee });
    const way = { outwardWaybillNumber: waybillNumber, parcelNo: 2 };
    const number = (await client.issueReturnWaybill(way)).issued?.waybillNumber ?? '';
    await erase(waybillNumber);
    const { versions } = await client.listWaybillVersions({ waybillNumber });
    expect(versions.map(({ waybill }) => waybill?.consignee?.name)).toEqual(['', '']);
    const { waybill } = await client.getWaybill({ waybillNumber: number });
    expect([waybill?.sender, waybill?.consignee?.name]).toEqual([undefined, '']);
    expect(await accesses(system, number)).toHaveLength(1);
    expect((await announced(system, shop.courierId)).flat()).toContain(number);
    // What is erased can be neither changed back nor sealed anew by a repeat of the return.
    expect((await client.issueReturnWaybill(way)).issued?.alreadyIssued).toBe(true);
  });

  it('erases once, announces it once and answers repeats the same, also two at once', async () => {
    const waybillNumber = await issue(system, shop, 'E-3');
    const answers = await Promise.all([1, 2, 3].map(() => erase(waybillNumber)));
    answers.push(await erase(waybillNumber));
    for (const { waybill } of answers) expect(waybill?.consignee?.name).toBe('');
    expect(await accesses(system, waybillNumber)).toHaveLength(1);
    const events = (await announced(system, shop.courierId)).flat();
    expect(events.filter((number) => number === waybillNumber)).toHaveLength(1);
  });

  it('reaches a second server that has the key open', async () => {
    await using second = await secondServer(system);
    const waybillNumber = await issue(system, shop, 'E-4');
    const read = () => second.vault(merchantKey).getConsignee({ waybillNumber, purpose });
    expect((await read()).consignee?.name).toBe('欧阳修远');
    await erase(waybillNumber);
    await expect(read()).rejects.toMatchObject({ reason: 'CONSIGNEE_ERASED' });
  });

  it('is for the merchant and the operator', async () => {
    const waybillNumber = await issue(system, shop, 'E-5');
    const other = await seedMerchant(system);
    const foreign = await keyOf(system, 'merchant', other.merchantId);
    await expect(erase(waybillNumber, foreign)).rejects.toMatchObject({
      reason: 'WAYBILL_NOT_FOUND',
    });
    const courier = await keyOf(system, 'courier', shop.courierId);
    await expect(erase(waybillNumber, courier)).rejects.toMatchObject({ reason: 'SCOPE_MISSING' });
    await system.vault(merchantKey).getConsignee({ waybillNumber, purpose });
    expect((await erase(waybillNumber, system.operatorKey)).waybill?.consignee?.name).toBe('');
  });

  it.each([
    ['waybill_number', { waybillNumber: '?' }],
    ['confirm', { confirm: '' }],
    ['confirm', { confirm: 'Q00001' }],
    ['reason', { reason: '' }],
    ['reason', { reason: '长'.repeat(201) }],
  ])('refuses a wrong %s: %j', async (field, change) => {
    const request = { waybillNumber: 'Q00000', confirm: 'Q00000', reason, ...change };
    const asked = system.vault(merchantKey).eraseConsignee(request);
    await expect(asked).rejects.toMatchObject({ reason: 'FIELD_INVALID', field });
  });
});
