import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsigneeSchema, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import {
  IssueWaybillRequestSchema,
  IssueWaybillsRequestSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { CONSIGNEE_FIELD, consigneeBytesOf, PARCELS_FIELD } from './consignee-bytes.ts';

const consignee = fc.option(
  fc.record({
    name: fc.string({ unit: 'grapheme', maxLength: 20 }),
    phone: fc.string(),
    address: fc.record({ province: fc.string(), detail: fc.string({ maxLength: 300 }) }),
  }),
  { nil: undefined },
);
const parcel = fc.record({
  orderRef: fc.string(),
  weightG: fc.integer({ min: -5, max: 1_000 }),
  goodsValueFen: fc.bigInt({ min: 0n, max: 10n ** 12n }),
  consignee,
  remark: fc.string({ unit: 'grapheme' }),
  mergedOrderRefs: fc.array(fc.string(), { maxLength: 3 }),
});

describe('the bytes of a consignee', () => {
  it('are those of each parcel, and decode to what the whole request says', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(parcel, { maxLength: 5 }), (merchantId, parcels) => {
        const init = parcels.map(({ consignee, ...rest }) =>
          create(ParcelSchema, consignee === undefined ? rest : { ...rest, consignee }),
        );
        const message = create(IssueWaybillsRequestSchema, { merchantId, parcels: init });
        const found = consigneeBytesOf(toBinary(IssueWaybillsRequestSchema, message));
        const decoded = found.map((bytes) => bytes && fromBinary(ConsigneeSchema, bytes));
        expect(decoded).toEqual(message.parcels.map((each) => each.consignee));
      }),
    );
  });

  it('are left out where a consignee stands twice, since readers merge the two', () => {
    const one = create(ParcelSchema, { consignee: { name: '张三' } });
    const two = create(ParcelSchema, { consignee: { phone: '13800000000' } });
    const merged = Buffer.concat([toBinary(ParcelSchema, one), toBinary(ParcelSchema, two)]);
    const request = Buffer.concat([Buffer.from([(PARCELS_FIELD << 3) | 2, merged.length]), merged]);
    expect(fromBinary(IssueWaybillsRequestSchema, request).parcels[0]?.consignee).toMatchObject({
      name: '张三',
      phone: '13800000000',
    });
    expect(consigneeBytesOf(request)).toEqual([undefined]);
  });

  it('are left out where they are too long to be kept as they are', () => {
    const detail = '长'.repeat(2_000);
    const parcels = [{ consignee: { address: { detail } } }];
    const message = create(IssueWaybillsRequestSchema, { parcels });
    expect(consigneeBytesOf(toBinary(IssueWaybillsRequestSchema, message))).toEqual([undefined]);
  });

  it('are looked for in the fields of the contract', () => {
    expect(IssueWaybillsRequestSchema.field.parcels.number).toBe(PARCELS_FIELD);
    expect(IssueWaybillRequestSchema.field.parcel.number).toBe(PARCELS_FIELD);
    expect(ParcelSchema.field.consignee.number).toBe(CONSIGNEE_FIELD);
  });
});
