import { create } from '@bufbuild/protobuf';
import { cellToChildren } from 'h3-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, coverOf, parentCell, spread } from '#libs/geo';
import { KIND_SCOPES } from '#libs/grpc';
import { AreaSchema, Area_Kind as Kind, Area_State as State } from '#proto/queqiao/network/v1/area';
import { CreateAreaRequestSchema } from '#proto/queqiao/network/v1/network_service';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  area,
  courier,
  fault,
  NOW,
  rectangle,
  startNetwork,
  type TestNetwork,
  timestamp,
  walk,
} from '../test-network.ts';
import { createArea } from './create-area.ts';

const HOME = { west: 120, south: 30, east: 120.1, north: 30.05 };
const CELL = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
const TERRITORY = { kind: Kind.TERRITORY, hubCode: '571', branchCode: 'A03' };

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  for (const id of ['swift', 'slow']) {
    await network.as('operator').createCourier({ courier: courier(id) });
  }
});
afterEach(() => network[Symbol.asyncDispose]());

test('covers a polygon with cells, compacted, and answers them with what it was told', async () => {
  const given = area('hz', { geojson: rectangle(HOME), divisionCodes: ['330110', '3301'] });
  const { area: made } = await network.as('operator').createArea({ area: given });
  const { west, south, east, north } = HOME;
  const corner = (longitudeDeg: number, latitudeDeg: number) => ({ longitudeDeg, latitudeDeg });
  const ring = [corner(west, south), corner(east, south), corner(east, north), corner(west, north)];
  const cells = spread(await coverOf([[[...ring, corner(west, south)]]]));
  expect(spread(made?.cells ?? []).toSorted()).toEqual(cells.toSorted());
  expect(made?.cells.length).toBeLessThan(cells.length / 3);
  expect(made).toMatchObject({
    areaId: 'hz',
    courierId: 'swift',
    kind: Kind.SERVICE,
    state: State.ACTIVE,
    geojson: '',
    cellCount: cells.length,
    divisionCodes: ['3301', '330110'],
    createTime: timestamp(NOW),
  });
  expect((await network.as('operator').getArea({ areaId: 'hz' })).area).toEqual(made);
  expect((await network.as('courier:swift').getArea({ areaId: 'hz' })).area).toEqual(made);
});

test('takes the corners of Chinese maps for what they are', async () => {
  const operator = network.as('operator');
  const make = async (id: string, datum: Location_Datum) =>
    (await operator.createArea({ area: area(id, { geojson: rectangle(HOME), datum }) })).area;
  const plain = await make('plain', Location_Datum.WGS84);
  const shifted = await make('shifted', Location_Datum.GCJ02);
  const kept = new Set(spread(plain?.cells ?? []));
  const common = spread(shifted?.cells ?? []).filter((cell) => kept.has(cell));
  // 500 m of 10 km.
  expect(common.length).toBeGreaterThan(kept.size * 0.8);
  expect(common.length).toBeLessThan(kept.size * 0.98);
  const tokyo = rectangle({ west: 139, south: 35, east: 139.1, north: 35.1 });
  const wrong = area('tokyo', { geojson: tokyo, datum: Location_Datum.GCJ02 });
  expect(await fault(operator.createArea({ area: wrong }))).toMatchObject({
    reason: 'FIELD_INVALID',
    field: 'area.geojson $.coordinates[0][0].longitude_deg',
    problem: 'OUT_OF_RANGE',
  });
});

test('creates once however often it is asked, and announces it', async () => {
  const given = area('hz', { cells: [CELL], displayName: '余杭' });
  const create = () =>
    network.as('courier:swift').createArea({ area: { ...given, courierId: '' } });
  const { area: made } = await create();
  expect(made?.courierId).toBe('swift');
  expect((await create()).area).toEqual(made);
  // The same land in other words.
  const whole = area('big', { cells: [parentCell(CELL, 7)] });
  const parts = area('big', { cells: cellToChildren(parentCell(CELL, 7), 9).reverse() });
  const [big] = [await network.as('operator').createArea({ area: whole })];
  expect(await network.as('operator').createArea({ area: parts })).toEqual(big);
  const other = network
    .as('operator')
    .createArea({ area: { ...given, cells: [], divisionCodes: ['33'] } });
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'hz' });
  expect((await network.events()).filter(({ kind }) => kind === 'area')).toEqual(
    ['hz', 'big'].map((id) => ({
      subject: 'queqiao.v1.network.area.changed',
      ...{ kind: 'area', id, version: 1n, courierId: 'swift' },
    })),
  );
});

test('lets several creations at once make one area', async () => {
  const create = () => network.as('operator').createArea({ area: area('twin', { cells: [CELL] }) });
  const outcomes = await network.atOnce('area', [create, create, create]);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
  expect((await network.events()).filter(({ kind }) => kind === 'area')).toHaveLength(1);
});

const polygon = (...coordinates: unknown[]) => ({
  geojson: JSON.stringify({ type: 'Polygon', coordinates }),
});
const WORLD = { west: 80, south: 20, east: 120, north: 50 };
const BLOCKED = { kind: Kind.BLOCKED, reason: '疫情', cells: [CELL] };
test.each<[string, Parameters<typeof area>[1], string]>([
  ['area_id', { cells: [CELL], areaId: 'Hz' }, 'SLUG'],
  ['courier_id', { cells: [CELL], courierId: '' }, 'REQUIRED'],
  ['kind', { cells: [CELL], kind: Kind.UNSPECIFIED }, 'REQUIRED'],
  ['state', { cells: [CELL], state: 9 as State }, 'UNKNOWN_VALUE'],
  ['cells', {}, 'REQUIRED'],
  ['cells', { cells: [CELL], ...polygon([]) }, 'NOT_BOTH'],
  ['cells[1]', { cells: [CELL, 'x'] }, 'CELL'],
  ['cells[0]', { cells: [parentCell(CELL, 4)] }, 'CELL'],
  ['division_codes[0]', { divisionCodes: ['330199'] }, 'DIVISION_CODE'],
  ['division_codes[1]', { divisionCodes: ['33', '杭州'] }, 'DIVISION_CODE'],
  ['geojson', { geojson: '{' }, 'GEOJSON'],
  ['geojson', { geojson: '{"type":"Point","coordinates":[1,2]}' }, 'GEOJSON'],
  ['geojson', { geojson: '{"type":"FeatureCollection","features":[]}' }, 'GEOJSON'],
  [
    'geojson',
    polygon([
      [1, 2],
      ['3', 4],
    ]),
    'GEOJSON',
  ],
  [
    'geojson',
    polygon([
      [120, 30],
      [120, 31],
      [121, 31],
      [121, 30],
    ]),
    'RING',
  ],
  [
    'geojson',
    polygon([
      [120, 30],
      [121, 31],
      [121, 30],
      [120, 31],
      [120, 30],
    ]),
    'CROSSES_ITSELF',
  ],
  [
    'geojson',
    polygon([
      [120, 30],
      [120, 30.0001],
      [120.0001, 30],
      [120, 30],
    ]),
    'NO_CELL',
  ],
  [
    'geojson $.coordinates[0][1].latitude_deg',
    polygon([
      [120, 30],
      [31, 120],
    ]),
    'OUT_OF_RANGE',
  ],
  ['hub_code', { cells: [CELL], hubCode: '571' }, 'NOT_ALLOWED'],
  ['hub_code', { ...TERRITORY, hubCode: '', cells: [CELL] }, 'REQUIRED'],
  ['branch_code', { ...TERRITORY, branchCode: 'a-3', cells: [CELL] }, 'SORT_SEGMENT'],
  ['route_code', { ...TERRITORY, routeCode: '123456789', cells: [CELL] }, 'SORT_SEGMENT'],
  ['reason', { cells: [CELL], reason: 'x' }, 'NOT_ALLOWED'],
  ['reason', { ...BLOCKED, reason: '' }, 'REQUIRED'],
  ['start_time', { cells: [CELL], startTime: timestamp(NOW) }, 'NOT_ALLOWED'],
  [
    'end_time',
    { ...BLOCKED, startTime: timestamp(NOW), endTime: timestamp(NOW) },
    'ORDER_OF_TIMES',
  ],
  ['end_time', { ...BLOCKED, endTime: { seconds: -1n } as never }, 'TIME'],
])('names the field at fault: %s of %o', async (field, change, problem) => {
  const call = network.as('operator').createArea({ area: area('faulty', change) });
  expect(await fault(call)).toMatchObject({
    reason: 'FIELD_INVALID',
    field: `area.${field}`,
    problem,
  });
});

test('refuses more than it can hold', async () => {
  const create = (change: Parameters<typeof area>[1]) =>
    fault(network.as('operator').createArea({ area: area('large', change) }));
  const r5 = [
    ...new Set([0, 1, 2, 3].map((d) => cellOf({ latitudeDeg: 30 + d, longitudeDeg: 120 }, 5))),
  ];
  const corners = Array.from({ length: 10_002 }, (_, i) => [120 + i * 1e-5, 30]);
  for (const change of [
    { geojson: rectangle(WORLD) },
    { cells: Array.from({ length: 21 }, () => r5[0] as string) },
    { divisionCodes: Array.from({ length: 5_001 }, () => '33') },
    polygon(corners),
    { geojson: ' '.repeat(2 * 1024 * 1024 + 1) },
  ]) {
    expect(await create(change)).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
  }
  expect(await create({ cells: [CELL], courierId: 'nobody' })).toMatchObject({
    reason: 'COURIER_NOT_FOUND',
  });
});

test('answers others while it covers the largest land', async () => {
  const corners = Array.from({ length: 9_999 }, (_, i) => {
    const angle = (2 * Math.PI * i) / 9_999;
    const radius = 0.36 + 0.005 * Math.sin(i);
    return [120 + radius * Math.cos(angle), 30 + radius * Math.sin(angle)];
  });
  const geojson = polygon([...corners, corners[0]]).geojson;
  const given = create(AreaSchema, area('large', { geojson }));
  // The server is this process: the call begins before the other, and comes to its end, a few cells
  // too many, without having to wait for anything.
  const { pool, pepper, clock } = network;
  const deps = { pool, pepper, now: clock.now, relay: { wake: () => {} } };
  const request = create(CreateAreaRequestSchema, { area: given });
  const identity = { kind: 'operator', id: '', scopes: KIND_SCOPES.operator, keyId: 'x' } as const;
  const ended: string[] = [];
  const covering = createArea(deps, request, identity).finally(() => ended.push('large'));
  const answering = network
    .as('operator')
    .listAreas({})
    .finally(() => ended.push('short'));
  expect(await fault(covering)).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
  await answering;
  expect(ended).toEqual(['short', 'large']);
});

test('changes what may change, keeps what is fixed, and lets one of several win', async () => {
  const operator = network.as('operator');
  const given = area('hz', { ...TERRITORY, cells: [CELL] });
  const { area: before } = await operator.createArea({ area: given });
  const update = (change: object) =>
    operator.updateArea({ area: { ...before, ...change } as never });
  expect(await fault(update({ etag: '' }))).toMatchObject({ field: 'area.etag' });
  expect(await fault(update({ courierId: 'slow' }))).toMatchObject({ problem: 'FIXED' });
  const change = { state: State.DISABLED, geojson: rectangle(HOME), cells: [], routeCode: '08' };
  const outcomes = await network.atOnce(
    'area',
    [1, 2, 3].map(() => () => update(change)),
  );
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(failures.map(({ reason }) => reason)).toEqual(['CONFLICT', 'CONFLICT']);
  const { area: after } = await operator.getArea({ areaId: 'hz' });
  expect(after).toMatchObject({ state: State.DISABLED, routeCode: '08' });
  expect(after?.cellCount).toBeGreaterThan(400);
});

test('shows a courier its own areas, others and merchants none', async () => {
  for (const [id, courierId] of [
    ['a1', 'swift'],
    ['a2', 'slow'],
    ['a3', 'swift'],
  ] as const) {
    await network.as('operator').createArea({ area: area(id, { courierId, cells: [CELL] }) });
  }
  const list = (who: 'operator' | 'courier:swift' | 'courier:slow', courierId = '') =>
    walk(async (pageToken) => {
      const page = await network.as(who).listAreas({ pageSize: 2, pageToken, courierId });
      for (const each of page.areas) expect(each).toMatchObject({ cells: [], cellCount: 1 });
      return { ids: page.areas.map(({ areaId }) => areaId), nextPageToken: page.nextPageToken };
    });
  expect(await list('operator')).toEqual([['a1', 'a2'], ['a3']]);
  expect(await list('operator', 'slow')).toEqual([['a2']]);
  expect(await list('courier:swift')).toEqual([['a1', 'a3']]);
  const swift = network.as('courier:swift');
  expect(await fault(swift.listAreas({ courierId: 'slow' }))).toMatchObject({
    reason: 'TENANT_FOREIGN',
  });
  for (const call of [
    swift.getArea({ areaId: 'a2' }),
    swift.updateArea({
      area: { ...area('a2', { cells: [CELL] }), courierId: '', state: State.ACTIVE, etag: 'x' },
    }),
  ]) {
    expect(await fault(call)).toMatchObject({ reason: 'AREA_NOT_FOUND', id: 'a2' });
  }
  // That the id is taken is all that it learns.
  const taken = swift.createArea({ area: area('a2', { cells: [CELL] }) });
  expect(await fault(taken)).toEqual({ reason: 'RESOURCE_EXISTS', field: '', id: 'a2' });
  const foreign = swift.createArea({ area: area('a9', { courierId: 'slow', cells: [CELL] }) });
  expect(await fault(foreign)).toMatchObject({ reason: 'TENANT_FOREIGN' });
  const merchant = network.as('merchant:shop');
  expect(await fault(merchant.getArea({ areaId: 'a1' }))).toMatchObject({
    reason: 'SCOPE_MISSING',
  });
});
