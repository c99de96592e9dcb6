import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, compact, parentCell, ring, spread } from '#libs/geo';
import { type Area, Area_State, Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import { SortCodeResult_Gap as Gap } from '#proto/queqiao/network/v1/sort_table';
import { area, courier, fault, startNetwork, type TestNetwork } from '../test-network.ts';

const CENTRE = cellOf({ latitudeDeg: 30.29, longitudeDeg: 120.16 });
const GRID = ring(CENTRE, 12);

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  for (const id of ['swift', 'slow']) {
    await network.as('operator').createCourier({ courier: courier(id) });
  }
});
afterEach(() => network[Symbol.asyncDispose]());

const create = async (areaId: string, cells: string[], change: Parameters<typeof area>[1] = {}) => {
  const given = area(areaId, { kind: Kind.TERRITORY, cells: compact(cells), ...change });
  return (await network.as('operator').createArea({ area: given })).area as Area;
};
const settle = (change: object = {}) => network.as('courier:swift').settleTerritories(change);
const get = async (areaId: string) =>
  (await network.as('operator').getArea({ areaId })).area as Area;
const codesOf = async (cells: string[]) => {
  const places = cells.map((cell) => ({ cell }));
  const { results } = await network
    .as('service:waybill')
    .lookUpSortCodes({ courierId: 'swift', places });
  return results.map(({ sortCode, gap }) => (gap === 0 ? sortCode?.text : nameOf(gap)));
};

const nameOf = (gap: Gap) => Object.entries(Gap).find(([, value]) => value === gap)?.[0];

test('gives every cell one code, says what changed, and changes nothing again', async () => {
  await create('served', ring(CENTRE, 6), { kind: Kind.SERVICE });
  const big = await create('big', ring(CENTRE, 4));
  const small = await create('small', ring(CENTRE, 1));
  const expected = {
    changes: [expect.objectContaining({ areaId: 'big', gainedCellCount: 66, lostCellCount: 7 })],
    ...{ overlapCellCountBefore: 7n, overlapCellCountAfter: 0n },
    ...{ gapCellCountBefore: 66n, gapCellCountAfter: 0n },
    ...{ divisionOverlaps: [], gapDivisionCodes: [] },
  };
  expect(await settle({ validateOnly: true })).toMatchObject(expected);
  expect(await get('big')).toEqual(big);
  expect(await settle()).toMatchObject(expected);
  const after = await get('big');
  expect(after.cellCount).toBe(127 - 7);
  expect(new Set([...spread(after.cells), ...spread(small.cells)])).toEqual(
    new Set(ring(CENTRE, 6)),
  );
  expect(after.etag).not.toBe(big.etag);
  expect(await get('small')).toEqual(small);
  const report = await network.as('courier:swift').reportCoverage({});
  expect(report).toMatchObject({ overlaps: [], gapCellCount: 0n });
  expect(new Set(await codesOf(ring(CENTRE, 6)))).toEqual(new Set(['3301-001', '3301-002']));
  expect(await settle()).toMatchObject({ changes: [], overlapCellCountBefore: 0n });
  const events = (await network.events()).filter(({ kind }) => kind === 'area');
  expect(events.map(({ id, version }) => `${id} ${version}`)).toEqual([
    ...['served 1', 'big 1', 'small 1', 'big 2'],
  ]);
});

test('keeps routes, and gives new cells that of the cell next to them', async () => {
  await create('served', GRID, { kind: Kind.SERVICE });
  await create('tt', ring(CENTRE, 8));
  const { area: divided } = await network
    .as('operator')
    .divideTerritory({ areaId: 'tt', routeCount: 4 });
  await create('enclave', ring(CENTRE, 1));
  await settle();
  const after = await get('tt');
  expect(after.routes.map(({ routeCode }) => routeCode)).toEqual(['01', '02', '03', '04']);
  const routes = (of: Area | undefined) =>
    new Map(of?.routes.flatMap((r) => spread(r.cells).map((cell) => [cell, r.routeCode] as const)));
  const [before, now] = [routes(divided), routes(after)];
  for (const [cell, route] of before) {
    expect(now.get(cell)).toBe(ring(CENTRE, 1).includes(cell) ? undefined : route);
  }
  expect(now.size).toBe(GRID.length - 7);
  for (const code of await codesOf(GRID)) expect(code).toMatch(/^3301-(001-0[1-4]|002)$/);
});

test('through gRPC each cell of random land has exactly one code afterwards', async () => {
  const disk = fc.record({ at: fc.nat(GRID.length - 1), k: fc.nat(4) });
  const disks = (minLength: number, maxLength: number) =>
    fc.array(fc.array(disk, { minLength: 1, maxLength: 2 }), { minLength, maxLength });
  const landOf = (of: { at: number; k: number }[]) => [
    ...new Set(of.flatMap(({ at, k }) => ring(GRID[at] as string, k))),
  ];
  let round = 0;
  await fc.assert(
    fc.asyncProperty(disks(1, 3), disks(1, 5), async (service, territories) => {
      const courierId = `c${++round}`;
      await network.as('operator').createCourier({ courier: courier(courierId) });
      for (const [i, each] of service.entries()) {
        await create(`${courierId}-s${i}`, landOf(each), { courierId, kind: Kind.SERVICE });
      }
      for (const [i, each] of territories.entries()) {
        await create(`${courierId}-t${i}`, landOf(each), { courierId });
      }
      const own = network.as(`courier:${courierId}`);
      await own.settleTerritories({});
      const cells = [...new Set(service.flatMap(landOf))];
      const places = cells.map((cell) => ({ cell }));
      const { results } = await own.lookUpSortCodes({ places });
      for (const { sortCode, gap } of results)
        expect(gap === 0 && sortCode?.text).toMatch(/^3301-00[1-5]$/);
      expect(await own.reportCoverage({})).toMatchObject({ overlaps: [], gapCellCount: 0n });
      expect(await own.settleTerritories({})).toMatchObject({ changes: [] });
    }),
    { numRuns: 12 },
  );
}, 120_000);

test('without settling some cells have no code, or two', async () => {
  await create('served', ring(CENTRE, 2), { kind: Kind.SERVICE });
  await create('aa', ring(CENTRE, 1));
  await create('bb', [CENTRE]);
  expect(new Set(await codesOf(ring(CENTRE, 2)))).toEqual(
    new Set(['OVERLAP', '3301-001', 'NOT_COVERED']),
  );
});

test('leaves divisions, what is disabled and other couriers as they are', async () => {
  await create('served', ring(CENTRE, 3), { kind: Kind.SERVICE, divisionCodes: ['32', '11'] });
  await create('t1', ring(CENTRE, 1), { divisionCodes: ['3201'] });
  await create('t2', ring(CENTRE, 1), { divisionCodes: ['320106'], state: Area_State.ACTIVE });
  await create('off', ring(CENTRE, 2), { state: Area_State.DISABLED });
  const foreign = await create('other', ring(CENTRE, 2), { courierId: 'slow' });
  const { divisionOverlaps, gapDivisionCodes, changes } = await settle();
  expect(divisionOverlaps).toMatchObject([
    { areaId: 't1', otherAreaId: 't2', cellCount: 0n, divisionCodes: ['320106'] },
  ]);
  expect(gapDivisionCodes).toEqual(['11']);
  expect(changes).toMatchObject([
    { areaId: 't1', gainedCellCount: 30, lostCellCount: 0, cellCount: 37 },
    { areaId: 't2', gainedCellCount: 0, lostCellCount: 7, cellCount: 0 },
  ]);
  expect(await get('other')).toEqual(foreign);
  expect((await get('off')).cellCount).toBe(19);
  expect((await get('t1')).divisionCodes).toEqual(['3201']);
  expect((await get('t2')).divisionCodes).toEqual(['320106']);
});

test('lets a territory that others took whole be disabled without land', async () => {
  await create('aa', ring(CENTRE, 1));
  await create('bb', ring(CENTRE, 1));
  await settle();
  const empty = await get('bb');
  expect(empty).toMatchObject({ cellCount: 0, cells: [] });
  const operator = network.as('operator');
  const off = { ...empty, state: Area_State.DISABLED } as never;
  expect((await operator.updateArea({ area: off })).area).toMatchObject({ branchCode: '002' });
  // One that has land keeps it.
  const bare = { ...(await get('aa')), cells: [] } as never;
  expect(await fault(operator.updateArea({ area: bare }))).toMatchObject({
    ...{ field: 'area.cells', problem: 'REQUIRED' },
  });
});

test('changes nothing where one area would be too large, and names it', async () => {
  const wide = parentCell(CENTRE, 5);
  // 20 of 2,401 cells each, and a little more.
  const far = [...new Set(ring(wide, 3))].slice(0, 20);
  await create('s1', far, { kind: Kind.SERVICE });
  await create('s2', ring(wide, 3).slice(20, 30), { kind: Kind.SERVICE });
  const before = await create('tt', [CENTRE]);
  expect(await fault(settle())).toMatchObject({
    ...{ reason: 'LIMIT_EXCEEDED', field: 'cells of area tt' },
  });
  expect(await get('tt')).toEqual(before);
});

test('refuses to write over an area that changed meanwhile', async () => {
  await create('served', ring(CENTRE, 2), { kind: Kind.SERVICE });
  await create('aa', ring(CENTRE, 1));
  await create('bb', [CENTRE]);
  const outcomes = await network.atOnce('area', [settle, settle, settle]);
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(failures.map(({ reason }) => reason)).toEqual(['CONFLICT', 'CONFLICT']);
  expect(new Set(await codesOf(ring(CENTRE, 2)))).toEqual(new Set(['3301-001', '3301-002']));
});

test('settles a courier’s own alone', async () => {
  const foreign = settle({ courierId: 'slow' });
  expect(await fault(foreign)).toMatchObject({ reason: 'TENANT_FOREIGN' });
  const operator = network.as('operator').settleTerritories({});
  expect(await fault(operator)).toMatchObject({ field: 'courier_id', problem: 'REQUIRED' });
  const merchant = network.as('merchant:shop').settleTerritories({ courierId: 'swift' });
  expect(await fault(merchant)).toMatchObject({ reason: 'SCOPE_MISSING' });
  expect(await settle()).toMatchObject({ changes: [], gapCellCountBefore: 0n });
});
