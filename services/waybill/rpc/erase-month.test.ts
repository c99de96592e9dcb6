import { timestampFromDate } from '@bufbuild/protobuf/wkt';
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
let time = new Date('2026-10-15T12:00:00Z');
const now = () => time;

beforeAll(async () => {
  system = await testSystem({ now });
  shop = await seedMerchant(system, { spread: 4 });
  merchantKey = await keyOf(system, 'merchant', shop.merchantId);
});
afterAll(() => system[Symbol.asyncDispose]());

const purpose = Purpose.CUSTOMER_SERVICE;
const reason = '保存期满';

function erase(merchantId = shop.merchantId, month = '2026-10') {
  const confirm = `${merchantId}/${month}`;
  return system.vault().eraseMonth({ merchantId, month, confirm, reason });
}

function read(waybillNumber: string, vault = system.vault(merchantKey)) {
  return vault.getConsignee({ waybillNumber, purpose });
}

async function leftOf(merchantId: string): Promise<number> {
  const rows = await system.database.query<{ count: string }>(
    `select count(*) as count from waybill.waybill
     where merchant_id = $1 and (consignee_sealed <> '' or phone_index is not null)`,
    [merchantId],
  );
  return Number(rows[0]?.count);
}

describe('EraseMonth', () => {
  it('ends every reading of the month, in every process, and of no other month', async () => {
    time = new Date('2026-10-15T12:00:00Z');
    const october = [
      await issue(system, shop, 'M-1', withPhone('13922221111')),
      await issue(system, shop, 'M-2', withPhone('13922221111')),
    ];
    time = new Date('2026-11-02T12:00:00Z');
    const november = await issue(system, shop, 'M-3', withPhone('13922221111'));
    await using second = await secondServer(system, { now });
    const there = second.vault(merchantKey);
    // Both processes have the key open.
    for (const number of october) await Promise.all([read(number), read(number, there)]);
    const other = await seedMerchant(system);

    const first = await erase();
    expect(first).toMatchObject({ clearedCount: 2, done: true });
    for (const number of october) {
      for (const vault of [system.vault(merchantKey), there]) {
        await expect(read(number, vault)).rejects.toMatchObject({ reason: 'CONSIGNEE_ERASED' });
      }
      const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber: number });
      expect(waybill?.consignee).toMatchObject({ name: '', phone: '', district: '余杭区' });
    }
    expect((await read(november)).consignee?.phone).toBe('13922221111');
    const { waybills } = await there.findWaybillsByPhone({ phone: '13922221111', purpose });
    expect(waybills.map((waybill) => waybill.waybillNumber)).toEqual([november]);
    const events = await announced(system, shop.courierId);
    expect(events.flat().toSorted()).toEqual(october.toSorted());

    // Again: the same answer, nothing written or announced twice.
    expect(await erase()).toMatchObject({
      eraseTime: first.eraseTime,
      clearedCount: 0,
      done: true,
    });
    expect(await announced(system, shop.courierId)).toEqual(events);
    const log = (await accesses(system, '')).filter((row) => row['operation'] === 'erase_month');
    expect(log).toMatchObject([
      { caller_kind: 'operator', merchant_id: shop.merchantId, reason: `2026-10: ${reason}` },
    ]);
    // A repeat of the issue still answers the number, in the other process, too.
    const parcel = parcelOf(shop, 'M-1', withPhone('13922221111'));
    const { issued } = await second.waybill(shop.apiKey).issueWaybill({ parcel });
    expect(issued).toMatchObject({ waybillNumber: october[0], alreadyIssued: true });
    await expect(erase(other.merchantId)).rejects.toMatchObject({ reason: 'DATA_KEY_NOT_FOUND' });
  });

  it('removes what the deliveries of the month have taught, and of no other', async () => {
    const far = await seedMerchant(system);
    time = new Date('2026-07-15T12:00:00Z');
    const july = [await issue(system, far, 'F-1'), await issue(system, far, 'F-2')];
    time = new Date('2026-08-15T12:00:00Z');
    const august = await issue(system, far, 'F-3');
    const location = { latitudeDeg: 30.28, longitudeDeg: 120.02 };
    const deliveryTime = timestampFromDate(new Date('2026-08-16T12:00:00Z'));
    const points = [...july, august].map((waybillNumber) => ({
      ...{ waybillNumber, location, deliveryTime },
    }));
    time = new Date('2026-08-17T12:00:00Z');
    await system.addresses().reportDeliveryPoints({ points });
    const fixes = () =>
      system.database.query('select distinct fix_id from waybill.address_fix order by fix_id');
    expect(await fixes()).toHaveLength(3);
    expect(await erase(far.merchantId, '2026-07')).toMatchObject({ clearedCount: 2, done: true });
    expect(await fixes()).toHaveLength(1);
    const again = await system.addresses().reportDeliveryPoints({ points });
    expect(again.outcomes.map(({ outcome }) => outcome.case)).toEqual([
      ...['error', 'error', 'accepted'],
    ]);
    expect(await fixes()).toHaveLength(1);
  });

  it('goes on where a call before was broken off', async () => {
    time = new Date('2026-08-15T12:00:00Z');
    const big = await seedMerchant(system);
    const client = system.waybill(big.apiKey);
    const parcels = Array.from({ length: 700 }, (_, i) => parcelOf(big, `BIG-${i}`));
    await client.issueWaybills({ parcels });
    time = new Date('2026-11-02T12:00:00Z');
    const request = {
      merchantId: big.merchantId,
      month: '2026-08',
      confirm: `${big.merchantId}/2026-08`,
      reason,
    };
    // A deadline that leaves no time but for one step.
    const short = await system.vault().eraseMonth(request, { deadlineMs: 2_000 });
    expect(short).toMatchObject({ clearedCount: 500, done: false });
    expect(await leftOf(big.merchantId)).toBe(200);
    const rest = await system.vault().eraseMonth(request);
    expect(rest).toMatchObject({ clearedCount: 200, done: true });
    expect(await leftOf(big.merchantId)).toBe(0);
    expect((await announced(system, big.courierId)).map((all) => all.length)).toEqual([500, 200]);
  });

  it('waits until an hour after the end of the month', async () => {
    time = new Date('2026-09-30T23:59:59Z');
    await issue(system, shop, 'W-1');
    for (const [at, isOver] of [
      ['2026-09-30T23:59:59Z', false],
      ['2026-10-01T00:59:59Z', false],
      ['2026-10-01T01:00:00Z', true],
    ] as const) {
      time = new Date(at);
      const asked = erase(shop.merchantId, '2026-09');
      if (isOver) expect(await asked).toMatchObject({ done: true });
      else await expect(asked).rejects.toMatchObject({ reason: 'MONTH_NOT_OVER', field: 'month' });
    }
  });

  it('is for operators', async () => {
    const request = { merchantId: shop.merchantId, month: '2026-10', confirm: '', reason };
    for (const kind of ['merchant', 'courier'] as const) {
      const key = await keyOf(system, kind, kind === 'merchant' ? shop.merchantId : shop.courierId);
      await expect(system.vault(key).eraseMonth(request)).rejects.toMatchObject({
        reason: 'SCOPE_MISSING',
      });
    }
  });

  it.each([
    ['merchant_id', { merchantId: '' }],
    ['merchant_id', { merchantId: 'A B' }],
    ['month', { month: '' }],
    ['month', { month: '2026-13' }],
    ['month', { month: '2026-10-01' }],
    ['confirm', { confirm: 'yes' }],
    ['reason', { reason: '' }],
  ])('refuses a wrong %s: %j', async (field, change) => {
    time = new Date('2026-11-02T12:00:00Z');
    const { merchantId } = shop;
    const whole = { merchantId, month: '2026-10', confirm: `${merchantId}/2026-10`, reason };
    const asked = system.vault().eraseMonth({ ...whole, ...change });
    await expect(asked).rejects.toMatchObject({ reason: 'FIELD_INVALID', field });
  });
});
