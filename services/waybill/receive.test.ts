import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressSchema } from '#proto/queqiao/type/v1/address';
import { ConsigneeSchema, type Parcel, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import {
  IssueItemSchema,
  IssueWaybillRequestSchema,
  IssueWaybillStreamRequestSchema,
  IssueWaybillsRequestSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { differingField, parseParcel } from './parcel.ts';
import { ScannedParcel, scanParcel } from './parcel-scan.ts';
import {
  ITEM_ID_FIELD,
  ITEM_PARCEL_FIELD,
  ITEMS_FIELD,
  MERCHANT_ID_FIELD,
  PARCELS_FIELD,
  receiveItems,
  receiveParcels,
} from './receive.ts';

// Mostly valid values, with everything in between that could be taken for one.
const mostly = <T>(good: fc.Arbitrary<T>, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 60, arbitrary: good }, { weight: 1, arbitrary: other });
const odd = fc.string({ unit: 'binary', maxLength: 60 });
const plain = (max: number) =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.string({ unit: fc.constantFrom(...'浙江省杭州é文Aa1 ·'), maxLength: max }),
    },
    { weight: 1, arbitrary: odd },
    {
      weight: 1,
      arbitrary: fc.constantFrom('\u0085', '\u3000', '　王', '\ufeff李', "a'b", '𠮷野', '\ud800'),
    },
  );
const slug = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom('lingque', 'a1', 'hangzhou-cang') },
  { weight: 1, arbitrary: fc.constantFrom('', 'A', 'a', '1a', '-a', 'x'.repeat(33), 'é1') },
);
const amount = (max: number) =>
  fc.oneof({ weight: 60, arbitrary: fc.nat(max) }, { weight: 1, arbitrary: fc.integer() });
const parcel = fc.record({
  orderRef: mostly(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), odd),
  parcelNo: amount(999),
  courierId: slug,
  serviceCode: fc.oneof(slug, fc.constant('')),
  nodeId: slug,
  consignee: fc.option(
    fc.record({
      name: plain(40),
      phone: mostly(fc.stringMatching(/^\d{5,20}$/), fc.stringMatching(/^\+?[\d-]{1,22}$/)),
      address: fc.record({
        province: plain(20),
        city: plain(20),
        district: plain(20),
        street: plain(30),
        detail: plain(256),
      }),
    }),
    { nil: undefined, freq: 20 },
  ),
  weightG: amount(1_000_000),
  volumeMl: amount(10_000_000),
  goodsValueFen: mostly(fc.bigInt(0n, 1_000_000_000n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  goodsDescription: plain(100),
  remark: plain(200),
  mergedOrderRefs: mostly(fc.constant<string[]>([]), fc.array(odd, { maxLength: 2 })),
});

describe('a parcel that is read from its bytes', () => {
  it('is found valid only if the ordinary decoder and check find it so, and is the same', () => {
    let scanned = 0;
    fc.assert(
      fc.property(parcel, (init) => {
        const message = wellFormed(init);
        const bytes = Buffer.from(toBinary(ParcelSchema, message));
        const found = scanParcel(bytes, 0, bytes.length);
        if (found === undefined) return;
        scanned += 1;
        const wanted = parseParcel(message);
        expect(differingField(wanted, found)).toBeUndefined();
        expect(found.parcelNo).toBe(wanted.parcelNo);
        expect([found.name, found.phone]).toEqual([wanted.consignee.name, wanted.consignee.phone]);
        const slice = (start: number, end: number) => bytes.toString('utf8', start, end);
        const { province, city, district } = wanted.consignee.address;
        expect(slice(found.provinceStart, found.provinceEnd)).toBe(province);
        expect(slice(found.cityStart, found.cityEnd)).toBe(city);
        expect(slice(found.districtStart, found.districtEnd)).toBe(district);
      }),
      { numRuns: 3_000 },
    );
    expect(scanned).toBeGreaterThan(100);
  });

  it('is left to the ordinary decoder when bytes are cut, changed or put in another order', () => {
    const message = ordinary();
    const bytes = Buffer.from(toBinary(ParcelSchema, message));
    expect(scanParcel(bytes, 0, bytes.length)).toBeInstanceOf(ScannedParcel);
    for (let end = 0; end < bytes.length; end++) {
      expect(agrees(bytes.subarray(0, end))).toBe(true);
    }
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(agrees(changed)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('a request', () => {
  it('is read as the ordinary decoder reads it, refused parcels included', () => {
    fc.assert(
      fc.property(fc.array(parcel, { maxLength: 4 }), (inits) => {
        const parcels = inits.map(wellFormed);
        const message = create(IssueWaybillsRequestSchema, { merchantId: 'shop', parcels });
        const bytes = Buffer.from(toBinary(IssueWaybillsRequestSchema, message));
        const received = receiveParcels(bytes);
        expect(received.merchantId).toBe('shop');
        const wanted = parcels.map(judge);
        expect(
          received.parcels.map((each) => ('error' in each ? `${each.error.field}` : 'valid')),
        ).toEqual(wanted);
        expect(received.parcels.map(({ orderRef }) => orderRef)).toEqual(
          parcels.map(({ orderRef }) => orderRef),
        );
      }),
    );
  });

  it('passes over fields of a newer contract and takes the last merchant_id', () => {
    const writer = new BinaryWriter();
    writer.tag(MERCHANT_ID_FIELD, WireType.LengthDelimited).string('first');
    writer.tag(77, WireType.Varint).int32(5);
    writer.tag(PARCELS_FIELD, WireType.LengthDelimited);
    writer.bytes(toBinary(ParcelSchema, ordinary()));
    writer.tag(MERCHANT_ID_FIELD, WireType.LengthDelimited).string('last');
    const received = receiveParcels(Buffer.from(writer.finish()));
    expect(received).toMatchObject({ merchantId: 'last', parcels: [{ orderRef: 'A-1' }] });
  });

  it('that breaks off in a parcel is no request', () => {
    const message = create(IssueWaybillsRequestSchema, { parcels: [ordinary()] });
    const bytes = Buffer.from(toBinary(IssueWaybillsRequestSchema, message));
    expect(() => receiveParcels(bytes.subarray(0, bytes.length - 1))).toThrow();
  });

  it('of a stream has an item for each, with the parcel that the other calls would read', () => {
    const item = fc.record({ itemId: fc.string({ unit: 'grapheme' }), parcel: fc.boolean() });
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.array(item), (merchantId, given) => {
        const items = given.map(({ itemId, parcel }) =>
          parcel ? { itemId, parcel: ordinary() } : { itemId },
        );
        const message = create(IssueWaybillStreamRequestSchema, { merchantId, items });
        const bytes = Buffer.from(toBinary(IssueWaybillStreamRequestSchema, message));
        const received = receiveItems(bytes);
        expect(received.merchantId).toBe(merchantId);
        expect(received.items.map(({ itemId }) => itemId)).toEqual(items.map((i) => i.itemId));
        for (const [i, { parcel }] of received.items.entries()) {
          expect(parcel instanceof ScannedParcel).toBe(given[i]?.parcel);
        }
        if (bytes.length > 0) {
          const cut = () => receiveItems(bytes.subarray(0, bytes.length - 1));
          expect(cut).toThrow();
        }
      }),
    );
  });

  it('has its parcels and merchant in the fields of the contract', () => {
    expect(IssueWaybillsRequestSchema.field.merchantId.number).toBe(MERCHANT_ID_FIELD);
    expect(IssueWaybillRequestSchema.field.merchantId.number).toBe(MERCHANT_ID_FIELD);
    expect(IssueWaybillsRequestSchema.field.parcels.number).toBe(PARCELS_FIELD);
    expect(IssueWaybillRequestSchema.field.parcel.number).toBe(PARCELS_FIELD);
    expect(IssueWaybillStreamRequestSchema.field.merchantId.number).toBe(MERCHANT_ID_FIELD);
    expect(IssueWaybillStreamRequestSchema.field.items.number).toBe(ITEMS_FIELD);
    expect(IssueItemSchema.field.itemId.number).toBe(ITEM_ID_FIELD);
    expect(IssueItemSchema.field.parcel.number).toBe(ITEM_PARCEL_FIELD);
    expect(AddressSchema.fields.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
    expect(ConsigneeSchema.fields.map(({ number }) => number)).toEqual([1, 2, 3]);
  });
});

/** Half surrogate pairs become U+FFFD in the encoding anyway. */
function wellFormed(init: unknown): Parcel {
  const message = create(ParcelSchema, init as Parcel);
  const replace = (_: string, value: unknown) =>
    typeof value === 'bigint' ? `bigint:${value}` : value;
  const text = Buffer.from(
    JSON.stringify(message, replace).replaceAll(/\\ud[89a-f]../gi, '\ufffd'),
  );
  return create(
    ParcelSchema,
    JSON.parse(text.toString(), (_, value) =>
      typeof value === 'string' && /^bigint:-?\d+$/.test(value) ? BigInt(value.slice(7)) : value,
    ) as Parcel,
  );
}

function judge(message: Parcel): string {
  try {
    parseParcel(create(ParcelSchema, message));
    return 'valid';
  } catch (error) {
    return (error as { field: string }).field;
  }
}

/** Whether what the scan takes for valid is valid, and the same, for the ordinary decoder. */
function agrees(bytes: Buffer): boolean {
  const found = scanParcel(bytes, 0, bytes.length);
  if (found === undefined) return true;
  const framed = Buffer.concat([Buffer.from([(PARCELS_FIELD << 3) | 2]), lengthOf(bytes), bytes]);
  const [received] = receiveParcels(framed).parcels;
  return received instanceof ScannedParcel && judge(received) === 'valid';
}

function lengthOf(bytes: Buffer): Uint8Array {
  return new BinaryWriter().uint32(bytes.length).finish();
}

function ordinary(): Parcel {
  return create(ParcelSchema, {
    orderRef: 'A-1',
    courierId: 'lingque',
    nodeId: 'hangzhou-cang',
    consignee: {
      name: '李雷',
      phone: '13800001234',
      address: { province: '浙江省', city: '杭州市', district: '西湖区', detail: '文三路100号' },
    },
    weightG: 800,
    remark: '轻放',
  });
}
