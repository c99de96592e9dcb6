import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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
