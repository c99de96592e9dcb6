import { fromBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WaybillsIssuedSchema } from '#proto/queqiao/waybill/v1/event';
import { parcelOf, seedMerchant, testSystem } from '#test/support/system';

// New and known parcels in one write: the quick insert must give way to the careful one, and
// nothing may be lost or doubled on the way.

describe('batches that hold parcels of each other', () => {
  it('give each parcel one number, and each number one event', async () => {
    await using system = await testSystem();
    const shop = await seedMerchant(system, { spread: 2 });
    const client = system.waybill(shop.apiKey);
    const numbers = new Map<string, string>();
    const batch = fc.uniqueArray(fc.nat(400), { minLength: 1, maxLength: 40 });
    const rush = fc.array(batch, { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(rush, async (batches) => {
        const answers = await Promise.all(
          batches.map((keys) =>
            client.issueWaybills({ parcels: keys.map((key) => parcelOf(shop, `R-${key}`)) }),
          ),
        );
        for (const { orderRef, outcome } of answers.flatMap(({ outcomes }) => outcomes)) {
          expect(outcome.case).toBe('issued');
          const { waybillNumber } = outcome.value as { waybillNumber: string };
          const known = numbers.get(orderRef) ?? waybillNumber;
          expect(waybillNumber).toBe(known);
          numbers.set(orderRef, waybillNumber);
        }
      }),
      { numRuns: 20 },
    );
    const rows = await system.database.query<{ order_ref: string; waybill_number: string }>(
      'select order_ref, waybill_number from waybill.waybill',
    );
    expect(new Map(rows.map((row) => [row.order_ref, row.waybill_number]))).toEqual(numbers);
    expect(rows).toHaveLength(numbers.size);
    const events = await system.database.query<{ payload: Buffer }>(
      `select payload from waybill.outbox where type = 'queqiao.waybill.v1.WaybillsIssued'`,
    );
    const announced = events.flatMap(
      ({ payload }) => fromBinary(WaybillsIssuedSchema, payload).parcels,
    );
    expect(announced.map(({ waybillNumber }) => waybillNumber).toSorted()).toEqual(
      [...numbers.values()].toSorted(),
    );
  });
});
