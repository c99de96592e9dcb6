import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reasonOf } from '#libs/errors';
import { distanceM } from '#libs/geo';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  type DeliveryPointOutcome,
  type ParsedAddress,
  ParsedAddress_Basis,
} from '#proto/queqiao/waybill/v1/address_service';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { accesses, issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let courierKey: string;
let houseCount = 0;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
  courierKey = await keyOf(system, 'courier', shop.courierId);
});
afterAll(() => system[Symbol.asyncDispose]());

const PERSON = { name: '欧阳修远', phone: '13812345678' };
const DOOR = { latitudeDeg: 30.28, longitudeDeg: 120.02 };
const PLACE = { province: '浙江省', city: '杭州市', district: '余杭区' };
/** Shared by all, and full soon: what counts rows does without. */
const STREET_NAME = '仓前街道';

/** A house on a road that no other test has. */
function newHouse(): string {
  houseCount += 1;
  return `测试${'甲乙丙丁戊己庚辛壬癸'[houseCount % 10]}${houseCount > 9 ? '东' : '西'}路${houseCount}号`;
}

function at(detail: string, street = ''): ParcelInit {
  return { consignee: { ...PERSON, address: { ...PLACE, street, detail } } };
}

let orderCount = 0;
async function issueTo(detail: string, count: number, street = ''): Promise<string[]> {
  const parcels = Array.from({ length: count }, () => {
    orderCount += 1;
    return parcelOf(shop, `D-${orderCount}`, at(detail, street));
  });
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
}

/** A moment after the parcel was issued: clocks may be ahead a little. */
function soon(second = 1) {
  return timestampFromDate(new Date(Date.now() + second * 1_000));
}

async function report(numbers: string[], change: object = {}, key = courierKey) {
  const points = numbers.map((waybillNumber, i) => ({
    ...{ waybillNumber, location: DOOR, deliveryTime: soon(i + 1) },
    ...change,
  }));
  return (await system.addresses(key).reportDeliveryPoints({ points })).outcomes.map(shown);
}

function shown({ outcome }: DeliveryPointOutcome): string {
  if (outcome.case === 'accepted') return 'accepted';
  if (outcome.case !== 'error') return '';
  const { reason, field, metadata } = outcome.value;
  return [reasonOf(reason), field, metadata['problem']].filter(Boolean).join(' ');
}

async function parsed(text: string): Promise<ParsedAddress> {
  const { outcomes } = await system.addresses(shop.apiKey).parseAddresses({ texts: [text] });
  const [outcome] = outcomes;
  if (outcome?.outcome.case !== 'address') throw new Error('no address');
  return outcome.outcome.value;
}

const textOf = (detail: string) => `${Object.values(PLACE).join('')}${detail}`;
const basisOf = async (detail: string) => (await parsed(textOf(detail))).locationBasis;
const { HOUSE, ROAD, DIVISION, STREET } = ParsedAddress_Basis;

async function rowCount(): Promise<number> {
  const rows = await system.database.query<{ count: string }>(
    'select count(*) as count from waybill.address_fix',
  );
  return Number(rows[0]?.count);
}

describe('ReportDeliveryPoints', () => {
  // First, as long as nothing is learnt of the street.
  it('teaches ParseAddresses the house, for its neighbours the road and the street', async () => {
    const house = newHouse();
    const text = `${Object.values(PLACE).join('')}${STREET_NAME}`;
    const basisIn = async (detail: string) => (await parsed(text + detail)).locationBasis;
    expect(await parsed(text + house)).toMatchObject({
      locationBasis: DIVISION,
      locationCode: expect.stringMatching(/^3301/),
      ...{ locationRadiusM: 0, locationFixCount: 0 },
    });
    const numbers = await issueTo(`${house}3幢501室`, 3, STREET_NAME);
    expect(await report(numbers.slice(0, 2))).toEqual(['accepted', 'accepted']);
    expect(await basisIn(house)).toBe(DIVISION);
    const north = { ...DOOR, latitudeDeg: DOOR.latitudeDeg + 0.0002 };
    expect(await report(numbers.slice(2), { location: north })).toEqual(['accepted']);
    // In whatever writing, whoever lives there.
    expect(await parsed(`韩梅梅 13911112222 杭州余杭仓前街道${house}1幢`)).toMatchObject({
      location: { ...DOOR, datum: Location_Datum.WGS84 },
      ...{ locationBasis: HOUSE, locationCode: '', locationFixCount: 3, locationRadiusM: 0 },
    });
    expect(await basisIn(house.replace(/\d+号/, '9999号'))).toBe(ROAD);
    expect(await basisIn('无人路1号')).toBe(STREET);
    expect((await parsed('浙江省杭州市余杭区')).locationBasis).toBe(DIVISION);
    expect((await parsed('某处')).locationBasis).toBe(ParsedAddress_Basis.UNSPECIFIED);
  });

  it('counts a waybill once, however often it is reported, also at once', async () => {
    const house = newHouse();
    const [first = '', ...others] = await issueTo(house, 3);
    const deliveryTime = soon();
    const again = () => report([first], { deliveryTime });
    await Promise.all([again(), again(), again(), again()]);
    await again();
    expect(await basisOf(house)).not.toBe(HOUSE);
    // Three waybills are three.
    await report(others);
    expect((await parsed(textOf(house))).locationFixCount).toBe(3);
  });

  it('keeps what it answered over a restart', async () => {
    const house = newHouse();
    await report(await issueTo(house, 3));
    await system.restart();
    expect(await basisOf(house)).toBe(HOUSE);
  });

  it('keeps the newest 25 of a house', async () => {
    const house = newHouse();
    const numbers = await issueTo(house, 40);
    await report(numbers.slice(0, 20));
    const moved = { ...DOOR, latitudeDeg: DOOR.latitudeDeg + 0.003 };
    const later = { location: moved, deliveryTime: soon(100) };
    await report(numbers.slice(20), later);
    expect(await parsed(textOf(house))).toMatchObject({
      ...{ location: moved, locationFixCount: 25 },
    });
    const rows = await system.database.query<{ count: string }>(
      'select max(count) as count from (select count(*) from waybill.address_fix group by key) k',
    );
    expect(rows[0]?.count).toBe('25');
  });

  it('converts the datum of the device', async () => {
    const house = newHouse();
    const location = { ...DOOR, datum: Location_Datum.GCJ02 };
    await report(await issueTo(house, 3), { location });
    const { location: point } = await parsed(textOf(house));
    const moved = distanceM(point ?? { latitudeDeg: 0, longitudeDeg: 0 }, DOOR);
    expect(moved).toBeGreaterThan(300);
    expect(moved).toBeLessThan(1_000);
  });

  it('follows an address that was corrected', async () => {
    const [wrong, right] = [newHouse(), newHouse()];
    const numbers = await issueTo(wrong, 3);
    await report(numbers);
    expect(await basisOf(wrong)).toBe(HOUSE);
    const client = system.waybill(shop.apiKey);
    for (const waybillNumber of numbers) {
      const { consignee } = at(right);
      await client.updateWaybill({ waybillNumber, version: 1, consignee: consignee as object });
    }
    await report(numbers, { deliveryTime: soon(60) });
    expect([await basisOf(wrong), await basisOf(right)]).toEqual([DIVISION, HOUSE]);
  });
});

describe('who may report', () => {
  it('is the courier of the waybill and the operator; to others there is none', async () => {
    const [number = ''] = await issueTo(newHouse(), 1);
    const other = await seedMerchant(system);
    const stranger = await keyOf(system, 'courier', other.courierId);
    const before = await rowCount();
    expect(await report([number, 'ZZ99999'], {}, stranger)).toEqual([
      'WAYBILL_NOT_FOUND waybill_number',
      'WAYBILL_NOT_FOUND waybill_number',
    ]);
    expect(await rowCount()).toBe(before);
    expect(await accesses(system, number)).toEqual([]);
    const merchantKey = await keyOf(system, 'merchant', shop.merchantId);
    await expect(report([number], {}, merchantKey)).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
      metadata: { scope: 'address.learn' },
    });
    // The wall is no wall to those whose it is.
    expect(await report([number])).toEqual(['accepted']);
    expect(await report([number], {}, system.operatorKey)).toEqual(['accepted']);
  });

  it('is written down before the consignee is opened; without that nothing is learnt', async () => {
    const [number = '', other = ''] = await issueTo(newHouse(), 2);
    await report([number]);
    expect(await accesses(system, number)).toMatchObject([
      {
        ...{ operation: 'read', purpose: 'delivery', reason: 'ReportDeliveryPoints' },
        ...{ caller_kind: 'courier', caller_id: shop.courierId, merchant_id: shop.merchantId },
      },
    ]);
    const before = await rowCount();
    const refuse = 'alter table waybill.consignee_access add constraint no check (false) not valid';
    await system.database.query(refuse);
    await expect(report([other])).rejects.toMatchObject({ reason: 'INTERNAL' });
    await system.database.query('alter table waybill.consignee_access drop constraint no');
    expect(await rowCount()).toBe(before);
    expect(await report([other])).toEqual(['accepted']);
  });
});

describe('what cannot be', () => {
  it('is told for each, keeps nothing, and stops no other', async () => {
    const [good = '', ...rest] = await issueTo(newHouse(), 10);
    const [vague = ''] = await issueTo('某某单位收发室', 1);
    const [known = ''] = await issueTo('某某单位收发室', 1, STREET_NAME);
    const abroad = await issue(system, shop, 'D-VAGUE', {
      consignee: {
        ...PERSON,
        address: { province: '某省', city: '某市', district: '某区', street: '', detail: '1号' },
      },
    });
    const deliveryTime = soon();
    const before = await rowCount();
    const tokyo = { latitudeDeg: 35.68, longitudeDeg: 139.77 };
    const bad: [object, string][] = [
      [{ location: tokyo }, 'FIELD_INVALID location FAR_FROM_COUNTY'],
      [
        { location: { ...tokyo, datum: Location_Datum.GCJ02 } },
        'FIELD_INVALID location.longitude_deg OUT_OF_RANGE',
      ],
      [
        { location: { ...tokyo, datum: Location_Datum.BD09 } },
        'FIELD_INVALID location.longitude_deg OUT_OF_RANGE',
      ],
      [{ location: { ...DOOR, latitudeDeg: 32 } }, 'FIELD_INVALID location FAR_FROM_COUNTY'],
      [
        { location: { ...DOOR, latitudeDeg: 91 } },
        'FIELD_INVALID location.latitude_deg OUT_OF_RANGE',
      ],
      [{ location: undefined }, 'FIELD_INVALID location REQUIRED'],
      [{ deliveryTime: undefined }, 'FIELD_INVALID delivery_time REQUIRED'],
      [{ deliveryTime: soon(400) }, 'FIELD_INVALID delivery_time IN_THE_FUTURE'],
      [{ deliveryTime: soon(-9_000) }, 'FIELD_INVALID delivery_time ORDER_OF_TIMES'],
      [{ waybillNumber: 'x' }, 'FIELD_INVALID waybill_number WAYBILL_NUMBER'],
      [{ waybillNumber: '' }, 'FIELD_INVALID waybill_number REQUIRED'],
      [{ waybillNumber: good }, 'FIELD_INVALID waybill_number REPEATED'],
      [{ waybillNumber: vague }, 'FIELD_INVALID waybill_number ADDRESS_VAGUE'],
      [{ waybillNumber: abroad }, 'FIELD_INVALID waybill_number ADDRESS_VAGUE'],
    ];
    const point = (waybillNumber: string) => ({ waybillNumber, location: DOOR, deliveryTime });
    const points = [
      point(good),
      ...bad.map(([change], i) => ({ ...point(rest[i] ?? `QX${i}0000`), ...change })),
    ];
    const { outcomes } = await system.addresses(courierKey).reportDeliveryPoints({ points });
    expect(outcomes.map(shown)).toEqual(['accepted', ...bad.map(([, fault]) => fault)]);
    expect(outcomes.map((each) => each.waybillNumber)).toEqual(
      points.map((each) => each.waybillNumber),
    );
    expect(await rowCount()).toBe(before + 2);
    // The street at least is known.
    expect(await report([known])).toEqual(['accepted']);
    expect(await rowCount()).toBe(before + 3);
  });

  it('is a waybill that is cancelled, waits near its buyer, or is erased', async () => {
    const [cancelled = '', erased = ''] = await issueTo(newHouse(), 2);
    const held = await issue(system, shop, 'D-HELD', { holdNodeId: shop.nodeId });
    const before = await rowCount();
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber: cancelled });
    await erase(erased);
    const numbers = [cancelled, held, erased];
    for (const key of [courierKey, system.operatorKey]) {
      expect(await report(numbers, {}, key)).toEqual([
        'STATE_NOT_ALLOWED',
        'STATE_NOT_ALLOWED',
        'CONSIGNEE_ERASED',
      ]);
    }
    expect(await rowCount()).toBe(before);
    const read = (await accesses(system, cancelled)).concat(await accesses(system, held));
    expect(read).toEqual([]);
    await system.waybill(shop.apiKey).releaseWaybill({ waybillNumber: held });
    expect(await report([held])).toEqual(['accepted']);
  });

  it('is a call with no point or over 1,000', async () => {
    const problem = {
      reason: 'FIELD_INVALID',
      field: 'points',
      metadata: { problem: 'LIST_SIZE' },
    };
    await expect(report([])).rejects.toMatchObject(problem);
    await expect(report(Array(1_001).fill('QX00000'))).rejects.toMatchObject(problem);
    const numbers = await issueTo(newHouse(), 1_000);
    expect(new Set(await report(numbers, { deliveryTime: soon() }))).toEqual(new Set(['accepted']));
  });
});

async function erase(waybillNumber: string): Promise<void> {
  const key = await keyOf(system, 'merchant', shop.merchantId);
  const request = { waybillNumber, confirm: waybillNumber, reason: '买家要求删除' };
  await system.vault(key).eraseConsignee(request);
}

describe('erasing a consignee', () => {
  it('removes what the delivery has taught', async () => {
    const house = newHouse();
    const numbers = await issueTo(house, 4);
    await report(numbers);
    const before = await rowCount();
    expect((await parsed(textOf(house))).locationFixCount).toBe(4);
    await erase(numbers[0] ?? '');
    expect(await rowCount()).toBe(before - 2);
    expect((await parsed(textOf(house))).locationFixCount).toBe(3);
    await erase(numbers[1] ?? '');
    expect(await basisOf(house)).not.toBe(HOUSE);
    expect(await report(numbers.slice(0, 1))).toEqual(['CONSIGNEE_ERASED']);
  });

  it('is not overtaken by a report that has opened it before', async () => {
    const [number = '', other = ''] = await issueTo(newHouse(), 2);
    const { database } = system;
    const before = await rowCount();
    // Its row is locked, as by an erasure that has not ended.
    await database.query('begin');
    await database.query('select from waybill.waybill where waybill_number = $1 for update', [
      number,
    ]);
    const reporting = report([number, other]);
    await vi.waitFor(async () => {
      expect(await database.query('select from pg_locks where not granted')).not.toEqual([]);
    }, 10_000);
    await database.query(
      `update waybill.waybill set consignee_sealed = '' where waybill_number = $1`,
      [number],
    );
    await database.query('commit');
    expect(await reporting).toEqual(['CONSIGNEE_ERASED', 'accepted']);
    expect(await rowCount()).toBe(before + 2);
  });
});

describe('the table', () => {
  it('holds neither addresses nor numbers, in the clear or as hashes without a key', async () => {
    const house = newHouse();
    const [number = ''] = await issueTo(`${house}7幢701室`, 1);
    await report([number]);
    const pieces = [number, house, house.slice(0, 4), '余杭', '330110', '701'];
    const found = async () => {
      const rows = await system.database.query<{ whole: string }>(
        `select entry::text || encode(key, 'escape') || encode(fix_id, 'escape') as whole
         from waybill.address_fix as entry`,
      );
      const text = rows.map(({ whole }) => whole).join('\n');
      return pieces.filter(
        (piece) => text.includes(piece) || text.includes(Buffer.from(piece).toString('hex')),
      );
    };
    // Three digits may be anywhere in a hash.
    expect((await found()).filter((piece) => !/^\d{3}$/.test(piece))).toEqual([]);
    await system.database.query(
      `insert into waybill.address_fix values
         (substr(convert_to($1, 'UTF8') || decode(repeat('00', 16), 'hex'), 1, 16),
          substr(convert_to($2, 'UTF8'), 1, 16), 1, 1, now())`,
      [house, number.slice(0, 16)],
    );
    expect(await found()).toContain(house.slice(0, 4));
  });
});
