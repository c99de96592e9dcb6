import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WaybillCancelledSchema } from '#proto/queqiao/waybill/v1/event';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import {
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

async function issue(orderRef: string): Promise<string> {
  const client = system.waybill(shop.apiKey);
  const { issued } = await client.issueWaybill({ parcel: parcelOf(shop, orderRef) });
  return issued?.waybillNumber ?? '';
}

describe('CancelWaybill', () => {
  it('cancels once, answers repeats the same, and announces it once', async () => {
    const client = system.waybill(shop.apiKey);
    const waybillNumber = await issue('C-1');
    const cancel = () => client.cancelWaybill({ waybillNumber, reason: '买家取消' });
    const answers = await Promise.all([cancel(), cancel(), cancel()]);
    for (const { waybill } of answers) {
      expect(waybill).toMatchObject({
        state: Waybill_State.CANCELLED,
        version: 2,
        cancelReason: '买家取消',
        cancelTime: answers[0]?.waybill?.cancelTime,
      });
    }
    const events = await system.database.query<{ payload: Buffer }>(
      'select payload from waybill.outbox where subject = $1',
      [`queqiao.v1.waybill.${shop.courierId}.cancelled`],
    );
    expect(events.map(({ payload }) => fromBinary(WaybillCancelledSchema, payload))).toEqual([
      expect.objectContaining({ waybillNumber, orderRef: 'C-1', version: 2 }),
    ]);
  });

  it('does not free the parcel key', async () => {
    const waybillNumber = await issue('C-2');
    const client = system.waybill(shop.apiKey);
    await client.cancelWaybill({ waybillNumber });
    const { issued } = await client.issueWaybill({ parcel: parcelOf(shop, 'C-2') });
    expect(issued).toMatchObject({
      waybillNumber,
      alreadyIssued: true,
      state: Waybill_State.CANCELLED,
    });
  });

  it('refuses what is not there, not the caller’s, or not well formed', async () => {
    const waybillNumber = await issue('C-3');
    const other = await seedMerchant(system);
    const foreign = system.waybill(other.apiKey).cancelWaybill({ waybillNumber });
    await expect(foreign).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    const client = system.waybill(shop.apiKey);
    await expect(client.cancelWaybill({ waybillNumber: 'ZZ99999' })).rejects.toMatchObject({
      reason: 'WAYBILL_NOT_FOUND',
    });
    const long = client.cancelWaybill({ waybillNumber, reason: '长'.repeat(201) });
    await expect(long).rejects.toMatchObject({ field: 'reason' });
    const { waybill } = await client.getWaybill({ waybillNumber });
    expect(waybill?.state).toBe(Waybill_State.ISSUED);
  });
});
