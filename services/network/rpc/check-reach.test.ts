import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, parentCell } from '#libs/geo';
import { Area_State, Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import { Courier_State } from '#proto/queqiao/network/v1/courier';
import { ReachResult_Cause as Cause } from '#proto/queqiao/network/v1/coverage';
import {
  area,
  courier,
  fault,
  NOW,
  startNetwork,
  type TestNetwork,
  timestamp,
} from '../test-network.ts';

const CELL = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
const FAR = cellOf({ latitudeDeg: 35, longitudeDeg: 110 });

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  await network.as('operator').createCourier({ courier: courier('swift') });
});
afterEach(() => network[Symbol.asyncDispose]());

const nameOf = (cause: Cause) => Object.entries(Cause).find(([, value]) => value === cause)?.[0];
const create = (areaId: string, change: Parameters<typeof area>[1]) =>
  network.as('courier:swift').createArea({ area: area(areaId, change) });
const ask = async (...places: object[]) =>
  (await network.as('merchant:shop').checkReach({ courierId: 'swift', places: places as never }))
    .results;
/** SERVED, or why not. */
const reach = async (...places: object[]) =>
  (await ask(...places)).map(({ verdict, cause }) =>
    verdict === 1 ? 'SERVED' : `${verdict === 2 ? 'not' : 'unknown'} ${nameOf(cause)}`,
  );

test('tells places by cell and by division, and what it cannot tell', async () => {
  expect(await reach({ cell: CELL }, {})).toEqual([
    'unknown NO_SERVICE_AREA',
    'unknown PLACE_UNKNOWN',
  ]);
  await create('east', { divisionCodes: ['3301', '330226'] });
  expect(
    await reach(
      { divisionCode: '330110' },
      { province: '浙江省', city: '杭州市', district: '余杭区' },
      { divisionCode: '11' },
      { divisionCode: '3302' },
      { divisionCode: '330226' },
      { cell: CELL },
    ),
  ).toEqual([
    ...['SERVED', 'SERVED', 'not OUTSIDE', 'unknown TOO_COARSE', 'SERVED', 'unknown TOO_COARSE'],
  ]);
  // With cells as well, a division alone says no longer that a place is outside.
  await create('home', { cells: [parentCell(CELL, 7)] });
  const beijing = { divisionCode: '11' };
  expect(await reach({ cell: CELL }, beijing, { ...beijing, cell: FAR })).toEqual([
    ...['SERVED', 'unknown TOO_COARSE', 'not OUTSIDE'],
  ]);
  const { area: home } = await network.as('operator').getArea({ areaId: 'home' });
  await network.as('operator').updateArea({
    area: { ...home, state: Area_State.DISABLED } as never,
  });
  expect(await reach(beijing)).toEqual(['not OUTSIDE']);
});

test('says of what is blocked why and until when, and only then', async () => {
  await create('zj', { divisionCodes: ['33'] });
  const later = (hours: number) => timestamp(new Date(NOW.getTime() + hours * 3_600_000));
  const blocked = { kind: Kind.BLOCKED };
  await create('flood', {
    ...{ ...blocked, divisionCodes: ['330127'], reason: '洪水' },
    ...{ startTime: later(1), endTime: later(3) },
  });
  await create('strike', {
    ...{ ...blocked, divisionCodes: ['330127102'], reason: '停运', endTime: later(5) },
  });
  await create('island', { ...blocked, divisionCodes: ['330921'], cells: [FAR], reason: '海岛' });
  const county = { divisionCode: '330127' };
  // Not yet; but a part of it is.
  expect(await reach(county)).toEqual(['unknown TOO_COARSE']);
  network.clock.tick(3_600_000);
  const [flooded, streetToo] = await ask(county, { divisionCode: '330127102' });
  expect(flooded).toMatchObject({
    verdict: 2,
    cause: Cause.BLOCKED,
    reason: '洪水',
    untilTime: later(3),
  });
  expect(streetToo).toMatchObject({ reason: '停运', untilTime: later(5) });
  network.clock.tick(2 * 3_600_000);
  expect(await reach(county, { divisionCode: '330127101' })).toEqual([
    ...['unknown TOO_COARSE', 'SERVED'],
  ]);
  network.clock.tick(2 * 3_600_000);
  expect(await reach(county)).toEqual(['SERVED']);
  const [byCell] = await ask({ divisionCode: '3301', cell: FAR });
  expect(byCell).toMatchObject({ cause: Cause.BLOCKED, reason: '海岛' });
  expect(byCell?.untilTime).toBeUndefined();
});

test('answers a thousand places at once, and for whom may ask', async () => {
  await create('zj', { divisionCodes: ['33'] });
  const places = Array.from({ length: 1_000 }, (_, i) => ({ divisionCode: i % 2 ? '33' : '11' }));
  const results = await reach(...places);
  expect(results.filter((each) => each === 'SERVED')).toHaveLength(500);
  const merchant = network.as('merchant:shop');
  const place = [{ divisionCode: '33' }];
  const faultOf = async (request: object, client = merchant) => fault(client.checkReach(request));
  expect(await faultOf({ courierId: 'swift' })).toMatchObject({ problem: 'LIST_SIZE' });
  expect(await faultOf({ places: place })).toMatchObject({ field: 'courier_id' });
  expect(await faultOf({ courierId: 'none', places: place })).toMatchObject({
    ...{ reason: 'COURIER_NOT_FOUND', id: 'none' },
  });
  const foreign = { courierId: 'swift', places: place };
  expect(await faultOf(foreign, network.as('courier:other'))).toMatchObject({
    reason: 'TENANT_FOREIGN',
  });
  const { courier: before } = await network.as('operator').getCourier({ courierId: 'swift' });
  const disabled = { ...before, state: Courier_State.DISABLED } as never;
  await network.as('operator').updateCourier({ courier: disabled });
  expect(await reach(...place)).toEqual(['not COURIER_DISABLED']);
});
