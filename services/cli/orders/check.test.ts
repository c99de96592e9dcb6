import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { parcelOf, seedMerchant, testSystem } from '#test/support/system';
import { checkParcel } from './check.ts';

it('finds in a parcel what the server would find', async () => {
  await using system = await testSystem();
  const merchant = await seedMerchant(system);
  const text = fc.oneof(
    fc.string({ maxLength: 45 }),
    fc.string({ unit: 'binary', maxLength: 45 }),
    fc.constantFrom('文三路', 'a#b', ' ', '+86138-0000', 'x'.repeat(301), '5'.repeat(21)),
  );
  const field = fc.constantFrom('name', 'phone', 'province', 'city', 'street', 'detail', 'remark');
  const changes = fc.array(fc.record({ field, value: text }), { minLength: 50, maxLength: 100 });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(changes, async (given) => {
      round += 1;
      const parcels = given.map((change, i) =>
        create(ParcelSchema, parcelOf(merchant, `P-${round}-${i}`, changed(change))),
      );
      const { outcomes } = await system.waybill(merchant.apiKey).issueWaybills({ parcels });
      const there = outcomes.map(({ outcome: { case: kind, value } }) =>
        kind === 'error' ? value.field : '',
      );
      expect(parcels.map((parcel) => checkParcel(parcel)[0]?.field ?? '')).toEqual(there);
    }),
    { numRuns: 5 },
  );
});

function changed({ field, value }: { field: string; value: string }) {
  // What is no UTF-8 cannot be sent at all, so it is no question to the server.
  const clean = Buffer.from(value).toString();
  const usual = (name: string, text: string) => (field === name ? clean : text);
  return {
    remark: usual('remark', ''),
    consignee: {
      name: usual('name', '李雷'),
      phone: usual('phone', '13800001234'),
      address: {
        province: usual('province', '浙江省'),
        city: usual('city', '杭州市'),
        street: usual('street', ''),
        detail: usual('detail', '文三路1号'),
      },
    },
  };
}
