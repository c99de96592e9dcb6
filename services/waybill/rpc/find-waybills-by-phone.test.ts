import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { accesses, issue, keyOf, withPhone } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let merchantKey: string;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system, { spread: 4 });
  merchantKey = await keyOf(system, 'merchant', shop.merchantId);
});
afterAll(() => system[Symbol.asyncDispose]());

const purpose = Purpose.CUSTOMER_SERVICE;

async function find(phone: string, key = merchantKey, merchantId = ''): Promise<string[]> {
  const request = { phone, purpose, reason: '买家来电', merchantId };
  const { waybills } = await system.vault(key).findWaybillsByPhone(request);
  return waybills.map((waybill) => waybill.waybillNumber);
}

describe('FindWaybillsByPhone', () => {
  it('finds a phone in any writing, newest first, masked', async () => {
    const writings = ['13900001111', '+86-139-0000-1111', '008613900001111', '13900001111-1234'];
    const numbers: string[] = [];
    for (const [i, phone] of writings.entries()) {
      numbers.push(await issue(system, shop, `F-${i}`, withPhone(phone)));
    }
    await issue(system, shop, 'F-other', withPhone('13900001112'));
    for (const sought of ['13900001111', '１３９ 0000 1111', '+8613900001111']) {
      expect(await find(sought)).toEqual(numbers.toReversed());
    }
    expect(await find('13900001111-1234')).toEqual(numbers.slice(3));
    expect(await find('13900001113')).toEqual([]);
    const { waybills } = await system
      .vault(merchantKey)
      .findWaybillsByPhone({ phone: '13900001111', purpose });
    expect(waybills.map(({ consignee }) => consignee?.name)).toEqual(Array(4).fill('欧阳**'));
  });

  it('leaves out a waybill that only shares the hash', async () => {
    const mine = await issue(system, shop, 'H-1', withPhone('13900002222'));
    const other = await issue(system, shop, 'H-2', withPhone('13900003333'));
    await system.database.query(
      `update waybill.waybill set phone_index = (
         select phone_index from waybill.waybill where waybill_number = $1
       ) where waybill_number = $2`,
      [mine, other],
    );
    expect(await find('13900002222')).toEqual([mine]);
    expect(await find('13900003333')).toEqual([]);
  });

  it('goes through pages, whose tokens tell nothing of the phone', async () => {
    const numbers: string[] = [];
    for (let i = 0; i < 5; i++) {
      numbers.push(await issue(system, shop, `P-${i}`, withPhone('13900004444')));
    }
    const vault = system.vault(merchantKey);
    const found: string[] = [];
    let pageToken = '';
    do {
      const request = { phone: '13900004444', purpose, pageSize: 2, pageToken };
      const page = await vault.findWaybillsByPhone(request);
      expect(page.waybills.length).toBeLessThanOrEqual(2);
      found.push(...page.waybills.map((waybill) => waybill.waybillNumber));
      pageToken = page.nextPageToken;
      expect(Buffer.from(pageToken, 'base64url').toString()).not.toContain('1390000');
      if (pageToken !== '') {
        const other = vault.findWaybillsByPhone({ ...request, phone: '13900004445', pageToken });
        await expect(other).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
      }
    } while (pageToken !== '');
    expect(found).toEqual(numbers.toReversed());
  });

  it('finds a merchant’s own alone, and for an operator those of whom it names', async () => {
    const mine = await issue(system, shop, 'T-1', withPhone('13900005555'));
    const other = await seedMerchant(system);
    const theirs = await issue(system, other, 'T-1', withPhone('13900005555'));
    expect(await find('13900005555')).toEqual([mine]);
    const operator = system.operatorKey;
    expect(await find('13900005555', operator, other.merchantId)).toEqual([theirs]);
    await expect(find('13900005555', operator)).rejects.toMatchObject({ field: 'merchant_id' });
    await expect(find('13900005555', operator, 'nobody-here')).rejects.toMatchObject({
      reason: 'MERCHANT_NOT_FOUND',
    });
    await expect(find('13900005555', merchantKey, other.merchantId)).rejects.toMatchObject({
      reason: 'TENANT_FOREIGN',
    });
    const courierKey = await keyOf(system, 'courier', shop.courierId);
    await expect(find('13900005555', courierKey)).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
    });
  });

  it('writes down that it was asked, without the phone', async () => {
    const fresh = await seedMerchant(system);
    await find('13900006666', await keyOf(system, 'merchant', fresh.merchantId));
    const rows = (await accesses(system, '')).filter(
      (row) => row['merchant_id'] === fresh.merchantId,
    );
    expect(rows).toMatchObject([{ operation: 'find', purpose: 'customer_service' }]);
    expect(JSON.stringify(rows)).not.toContain('6666');
  });

  it.each([
    ['phone', { phone: '' }],
    ['phone', { phone: '1234' }],
    ['phone', { phone: 'call me' }],
    ['purpose', { purpose: Purpose.UNSPECIFIED }],
    ['page_size', { pageSize: -1 }],
    ['page_size', { pageSize: 101 }],
  ])('refuses a wrong %s: %j', async (field, change) => {
    const request = { phone: '13900007777', purpose, ...change };
    const asked = system.vault(merchantKey).findWaybillsByPhone(request);
    await expect(asked).rejects.toMatchObject({ reason: 'FIELD_INVALID', field });
  });
});
