import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsigneeAccess_Operation, Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let other: SeededMerchant;
let merchantKey: string;
let numbers: string[];

const purpose = Purpose.DELIVERY;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
  other = await seedMerchant(system);
  merchantKey = await keyOf(system, 'merchant', shop.merchantId);
  const courier = system.vault(await keyOf(system, 'courier', shop.courierId));
  const [first, second] = [await issue(system, shop, 'L-1'), await issue(system, shop, 'L-2')];
  numbers = [first, second];
  await courier.getConsignee({ waybillNumber: first, purpose });
  await system.vault(merchantKey).findWaybillsByPhone({ phone: '13812345678', purpose });
  await system.vault(merchantKey).getConsignee({ waybillNumber: second, purpose });
  const reason = '测试';
  await system.vault().eraseConsignee({ waybillNumber: first, confirm: first, reason });
  const theirs = system.vault(await keyOf(system, 'merchant', other.merchantId));
  await theirs.getConsignee({ waybillNumber: await issue(system, other, 'L-3'), purpose });
});
afterAll(() => system[Symbol.asyncDispose]());

const { READ, FIND, ERASE_PARCEL } = ConsigneeAccess_Operation;

describe('ListConsigneeAccesses', () => {
  it('shows a merchant who did what with its consignees, newest first', async () => {
    const { accesses, nextPageToken } = await system.vault(merchantKey).listConsigneeAccesses({});
    expect(nextPageToken).toBe('');
    expect(accesses.map(({ operation }) => operation)).toEqual([ERASE_PARCEL, READ, FIND, READ]);
    expect(accesses.at(-1)).toMatchObject({
      callerKind: 'courier',
      callerId: shop.courierId,
      merchantId: shop.merchantId,
      waybillNumber: numbers[0],
      purpose,
    });
    expect(accesses[0]).toMatchObject({ callerKind: 'operator', callerId: '', reason: '测试' });
  });

  it('shows those of one waybill, and an operator those of all', async () => {
    const vault = system.vault(merchantKey);
    const [first = ''] = numbers;
    const { accesses } = await vault.listConsigneeAccesses({ waybillNumber: first });
    expect(accesses.map(({ operation }) => operation)).toEqual([ERASE_PARCEL, READ]);
    expect((await system.vault().listConsigneeAccesses({})).accesses).toHaveLength(5);
    const { merchantId } = other;
    expect((await system.vault().listConsigneeAccesses({ merchantId })).accesses).toHaveLength(1);
  });

  it('goes through pages', async () => {
    const vault = system.vault(merchantKey);
    const ids: bigint[] = [];
    let pageToken = '';
    do {
      const page = await vault.listConsigneeAccesses({ pageSize: 3, pageToken });
      ids.push(...page.accesses.map(({ accessId }) => accessId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ids).toHaveLength(4);
    expect(ids.toSorted((a, b) => Number(b - a))).toEqual(ids);
    const { nextPageToken } = await vault.listConsigneeAccesses({ pageSize: 3 });
    const [waybillNumber = ''] = numbers;
    await expect(
      vault.listConsigneeAccesses({ waybillNumber, pageToken: nextPageToken }),
    ).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });

  it('shows nobody else’s, and couriers nothing', async () => {
    const { merchantId } = other;
    const foreign = system.vault(merchantKey).listConsigneeAccesses({ merchantId });
    await expect(foreign).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
    const courier = system.vault(await keyOf(system, 'courier', shop.courierId));
    await expect(courier.listConsigneeAccesses({})).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
    });
    const vault = system.vault(merchantKey);
    await expect(vault.listConsigneeAccesses({ pageSize: -1 })).rejects.toMatchObject({
      field: 'page_size',
    });
    await expect(vault.listConsigneeAccesses({ waybillNumber: '?' })).rejects.toMatchObject({
      field: 'waybill_number',
    });
  });
});
