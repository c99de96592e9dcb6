import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, compact, ring, spread } from '#libs/geo';
import { type Area, Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import { area, courier, fault, startNetwork, type TestNetwork } from '../test-network.ts';

const CENTRE = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
const CELLS = ring(CENTRE, 10);
const TERRITORY = {
  kind: Kind.TERRITORY,
  hubCode: '571',
  branchCode: 'A03',
  cells: compact(CELLS),
};

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  const operator = network.as('operator');
  for (const id of ['swift', 'slow']) await operator.createCourier({ courier: courier(id) });
  await operator.createArea({ area: area('a3', TERRITORY) });
});
afterEach(() => network[Symbol.asyncDispose]());

const divide = (change: object = {}) =>
  network.as('courier:swift').divideTerritory({ areaId: 'a3', routeCount: 4, ...change });

const routesOf = (divided: Area | undefined) =>
  new Map(
    (divided?.routes ?? []).flatMap(({ routeCode, cells }) =>
      spread(cells).map((cell) => [cell, routeCode] as const),
    ),
  );

const codesOf = async (cells: string[]) => {
  const places = cells.map((cell) => ({ cell }));
  const { results } = await network
    .as('service:waybill')
    .lookUpSortCodes({ courierId: 'swift', places });
  return results.map(({ sortCode }) => sortCode?.text);
};

test('gives every cell of the territory exactly one code, and says how even they are', async () => {
  const loads = CELLS.map((cell, i) => ({ cell, parcelCount: BigInt(1 + ((i * i) % 17)) }));
  const { area: divided, balancePermille, movedCellCount } = await divide({ loads });
  expect(movedCellCount).toBe(CELLS.length);
  expect(balancePermille).toBeLessThanOrEqual(1_150);
  expect(divided?.routes.map(({ routeCode }) => routeCode)).toEqual(['01', '02', '03', '04']);
  const routes = routesOf(divided);
  expect([...routes.keys()].toSorted()).toEqual(CELLS.toSorted());
  expect(await codesOf(CELLS)).toEqual(CELLS.map((cell) => `571-A03-${routes.get(cell)}`));
  const outside = ring(CENTRE, 11).filter((cell) => !CELLS.includes(cell));
  expect(new Set(await codesOf(outside))).toEqual(new Set([undefined]));
  // Land and etag are those of an area with routes.
  expect(divided?.cells).toEqual(TERRITORY.cells);
  expect((await network.as('operator').getArea({ areaId: 'a3' })).area).toEqual(divided);
  // Asked again nothing moves and nothing is announced.
  const again = await divide({ loads });
  expect(again).toMatchObject({ movedCellCount: 0, area: divided });
  const events = (await network.events()).filter(({ kind }) => kind === 'area');
  expect(events.map(({ version }) => version)).toEqual([1n, 2n]);
});

test('keeps routes through an update of the land, drops them for one of its own', async () => {
  const { area: divided } = await divide();
  const before = routesOf(divided);
  const cells = CELLS.slice(0, -9);
  const operator = network.as('operator');
  const { area: smaller } = await operator.updateArea({ area: { ...divided, cells } as never });
  const after = routesOf(smaller);
  expect(after.size).toBe(cells.length);
  for (const [cell, route] of after) expect(route).toBe(before.get(cell));
  const single = { ...smaller, routeCode: '08' } as never;
  const { area: whole } = await operator.updateArea({ area: single });
  expect(whole?.routes).toEqual([]);
  expect(await codesOf([CENTRE])).toEqual(['571-A03-08']);
  expect(await fault(divide())).toMatchObject({ reason: 'AREA_NOT_DIVISIBLE', id: 'a3' });
});

test('lets one of several at once divide', async () => {
  const calls = [2, 3, 4].map((routeCount) => () => divide({ routeCount }));
  const outcomes = await network.atOnce('area', calls);
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(failures.map(({ reason }) => reason)).toEqual(['CONFLICT', 'CONFLICT']);
});

test('refuses what cannot be divided, and names the field at fault', async () => {
  const operator = network.as('operator');
  await operator.createArea({ area: area('service', { cells: [CENTRE] }) });
  const codes = area('codes', { ...TERRITORY, cells: [], divisionCodes: ['33'] });
  await operator.createArea({ area: codes });
  for (const areaId of ['service', 'codes']) {
    expect(await fault(divide({ areaId }))).toMatchObject({ reason: 'AREA_NOT_DIVISIBLE' });
  }
  await operator.createArea({ area: area('other', { ...TERRITORY, courierId: 'slow' }) });
  for (const areaId of ['other', 'nowhere']) {
    expect(await fault(divide({ areaId }))).toMatchObject({ reason: 'AREA_NOT_FOUND' });
  }
  const load = { cell: CENTRE, parcelCount: 1n };
  for (const [change, field, problem] of [
    [{ areaId: '' }, 'area_id', 'REQUIRED'],
    [{ routeCount: 0 }, 'route_count', 'OUT_OF_RANGE'],
    [{ routeCount: 100 }, 'route_count', 'OUT_OF_RANGE'],
    [{ loads: [load, load] }, 'loads[1].cell', 'REPEATED'],
    [{ loads: [{ ...load, cell: 'x' }] }, 'loads[0].cell', 'CELL'],
    [{ loads: [{ ...load, cell: TERRITORY.cells[0] }] }, 'loads[0].cell', 'CELL'],
    [{ loads: [{ ...load, parcelCount: -1n }] }, 'loads[0].parcel_count', 'OUT_OF_RANGE'],
  ] as const) {
    expect(await fault(divide(change))).toMatchObject({ field, problem });
  }
  const many = Array.from({ length: 20_001 }, () => load);
  expect(await fault(divide({ loads: many }))).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
  const large = area('large', { ...TERRITORY, cells: ring(CENTRE, 41) });
  await operator.createArea({ area: large });
  expect(await fault(divide({ areaId: 'large' }))).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
});
