import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, parentCell } from '#libs/geo';
import { Area_State, Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import {
  SortCodeResult_Gap as Gap,
  SortTable_State as State,
} from '#proto/queqiao/network/v1/sort_table';
import { area, courier, fault, startNetwork, type TestNetwork, walk } from '../test-network.ts';

const CELL = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
const YUHANG = { province: '浙江省', city: '杭州市', district: '余杭区', street: '' };

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  for (const id of ['swift', 'slow']) {
    await network.as('operator').createCourier({ courier: courier(id) });
  }
});
afterEach(() => network[Symbol.asyncDispose]());

const row = (place: string, text: string, bagDestination = '') => {
  const [hubCode = '', branchCode = '', routeCode = ''] = text.split('-');
  return { place, hubCode, branchCode, routeCode, bagDestination };
};
const upload = (sortTableId: string, rows: object[], change: object = {}) =>
  network.as('operator').createSortTable({
    sortTable: { sortTableId, courierId: 'swift', ...change },
    rows: rows as never,
  });
const lookUp = async (...places: object[]) => {
  const answer = await network
    .as('merchant:shop')
    .lookUpSortCodes({ courierId: 'swift', places: places as never });
  return answer.results.map(({ sortCode, gap, isRefinable }) => {
    const why = gap === Gap.UNSPECIFIED ? '' : `${sortCode === undefined ? '' : ' '}${nameOf(gap)}`;
    return `${sortCode?.text ?? ''}${why}${isRefinable ? ' *' : ''}`;
  });
};
const nameOf = (gap: Gap) => Object.entries(Gap).find(([, value]) => value === gap)?.[0];

test('uploads a table once however often it is asked, and announces it', async () => {
  const rows = [row('3301', '571', '杭州分拨'), row('330110', '571-A03-08')];
  const { sortTable: made } = await upload('swift-1', rows);
  expect(made).toMatchObject({ courierId: 'swift', state: State.ACTIVE, rowCount: 2 });
  expect((await upload('swift-1', rows.toReversed())).sortTable).toEqual(made);
  const other = upload('swift-1', [row('3301', '572')]);
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'swift-1' });
  expect((await network.events()).filter(({ kind }) => kind === 'sort_table')).toEqual([
    {
      subject: 'queqiao.v1.network.sort_table.changed',
      ...{ kind: 'sort_table', id: 'swift-1', version: 1n, courierId: 'swift' },
    },
  ]);
});

test('lets several uploads at once make one table', async () => {
  const calls = [1, 2, 3].map(() => () => upload('twin', [row('3301', '571')]));
  const outcomes = await network.atOnce('sort_table', calls);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
  expect((await network.events()).filter(({ kind }) => kind === 'sort_table')).toHaveLength(1);
});

test.each<[string, object[], object, string]>([
  ['sort_table.sort_table_id', [row('33', '571')], { sortTableId: '' }, 'REQUIRED'],
  ['sort_table.courier_id', [row('33', '571')], { courierId: 'Q' }, 'SLUG'],
  ['sort_table.state', [row('33', '571')], { state: 9 }, 'UNKNOWN_VALUE'],
  ['rows', [], {}, 'LIST_SIZE'],
  ['rows[0].place', [row('', '571')], {}, 'DIVISION_CODE'],
  ['rows[0].place', [row('330199', '571')], {}, 'DIVISION_CODE'],
  ['rows[0].place', [row(parentCell(CELL, 4), '571')], {}, 'CELL'],
  ['rows[1].place', [row('33', '571'), row('33', '572')], {}, 'REPEATED'],
  ['rows[0].hub_code', [row('33', '')], {}, 'REQUIRED'],
  ['rows[0].hub_code', [row('33', '57_1')], {}, 'SORT_SEGMENT'],
  ['rows[0].branch_code', [row('33', '571--08')], {}, 'REQUIRED'],
  ['rows[0].branch_code', [row('33', '571-a')], {}, 'SORT_SEGMENT'],
  ['rows[0].route_code', [row('33', '571-A-123456789')], {}, 'SORT_SEGMENT'],
  ['rows[0].bag_destination', [row('33', '571', '袋'.repeat(21))], {}, 'TOO_LONG'],
])('names the field at fault: %s', async (field, rows, change, problem) => {
  expect(await fault(upload('faulty', rows, change))).toMatchObject({
    reason: 'FIELD_INVALID',
    ...{ field, problem },
  });
});

test('the narrowest place counts, and a cell before a division', async () => {
  await upload('swift-1', [
    row('33', '570'),
    row('3301', '571'),
    row('330110', '571-A03'),
    row(parentCell(CELL, 8), '571-A03-01'),
    row(CELL, '571-A03-02'),
  ]);
  const divisionCode = '330110';
  expect(await lookUp({ divisionCode: '3302' }, { divisionCode }, YUHANG)).toEqual([
    '570 *',
    ...['571-A03 *', '571-A03 *'],
  ]);
  const beside = cellOf({ latitudeDeg: 31, longitudeDeg: 120.05 });
  expect(await lookUp({ divisionCode, cell: CELL }, { divisionCode, cell: beside })).toEqual([
    ...['571-A03-02', '571-A03'],
  ]);
  const sibling = [0, 1, 2, 3, 4, 5]
    .map((i) => cellOf({ latitudeDeg: 30.02 + i * 1e-3, longitudeDeg: 120.05 }))
    .find((cell) => cell !== CELL && parentCell(cell, 8) === parentCell(CELL, 8));
  if (sibling !== undefined) expect(await lookUp({ cell: sibling })).toEqual(['571-A03-01']);
});

test('says why there is no code, and gives none that could be wrong', async () => {
  await upload('swift-1', [row('330110', '571-A03'), row('330110109', '571-B01')]);
  expect(
    await lookUp(
      { divisionCode: '330110' },
      { divisionCode: '3301' },
      { divisionCode: '330110109' },
      { divisionCode: '330110012' },
      { divisionCode: '11' },
      { province: '浙江', city: '杭州市' },
      { province: '浙江省', city: '杭州', district: '余杭区' },
      {},
    ),
  ).toEqual([
    // The hub is the same all over the county; of the city only parts are known.
    ...['571 TOO_COARSE *', 'TOO_COARSE *', '571-B01', '571-A03', 'NOT_COVERED'],
    ...['TOO_COARSE *', '571 TOO_COARSE *', 'PLACE_UNKNOWN'],
  ]);
  const ask = (places: object[], courierId = 'swift') =>
    fault(network.as('merchant:shop').lookUpSortCodes({ courierId, places: places as never }));
  expect(await ask([])).toMatchObject({ field: 'places', problem: 'LIST_SIZE' });
  expect(await ask(Array(1_001).fill({}))).toMatchObject({ problem: 'LIST_SIZE' });
  expect(await ask([{}], '')).toMatchObject({ field: 'courier_id', problem: 'REQUIRED' });
  for (const cell of ['x', parentCell(CELL, 8)]) {
    expect(await ask([{ cell }])).toMatchObject({ field: 'places[0].cell', problem: 'CELL' });
  }
  expect(await ask([{}, { divisionCode: '1' }])).toMatchObject({
    ...{ field: 'places[1].division_code', problem: 'DIVISION_CODE' },
  });
  expect(await ask([{ city: '市'.repeat(41) }])).toMatchObject({ field: 'places[0].city' });
  expect(await lookUp({ divisionCode: '33' })).toEqual(['TOO_COARSE *']);
});

test('of codes that differ it gives the segments that all of them have', async () => {
  await upload('swift-1', [
    row('3301', '571-A01-01', '杭州'),
    row('330110', '571-A01-02', '杭州'),
    row('3302', '574-B01-01', '宁波'),
    row('330212', '574-B02-01', '宁波'),
    row('3303', '577-C01', '温州'),
    row('330302', '571-C01', '杭州'),
    row('3304', '573-D01', '嘉兴'),
    row('330402', '573-D01', '嘉兴'),
    row('330411', '573-D01', '嘉兴'),
  ]);
  expect(
    await lookUp(...['3301', '3302', '3303', '3304'].map((divisionCode) => ({ divisionCode }))),
  ).toEqual(['571-A01 TOO_COARSE *', '574 TOO_COARSE *', 'TOO_COARSE *', '573-D01']);
  const places = [{ divisionCode: '3301' }, { divisionCode: '3303' }];
  const { results } = await network.as('operator').lookUpSortCodes({ courierId: 'swift', places });
  expect(results[0]).toMatchObject({
    ...{ matchedPlace: '3301', sortTableId: 'swift-1' },
    sortCode: { hubCode: '571', branchCode: 'A01', routeCode: '', bagDestination: '杭州' },
  });
  expect(results[1]).toMatchObject({ matchedPlace: '3303', sortTableId: '' });
  expect(results[1]?.sortCode).toBeUndefined();
});

test('the newest active table counts; disabled, the one before does again', async () => {
  const place = { divisionCode: '330110' };
  await upload('swift-1', [row('330110', '571')]);
  network.clock.tick(1_000);
  const { sortTable: newer } = await upload('swift-2', [row('330110', '572')]);
  network.clock.tick(1_000);
  await upload('swift-3', [row('330110', '573')], { state: State.DISABLED });
  expect(await lookUp(place)).toEqual(['572']);
  const disabled = { ...newer, state: State.DISABLED } as never;
  const update = () => network.as('courier:swift').updateSortTable({ sortTable: disabled });
  const outcomes = await network.atOnce('sort_table', [update, update]);
  const failures = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  expect(failures.map(({ reason }) => reason)).toEqual(['CONFLICT']);
  expect(await lookUp(place)).toEqual(['571']);
});

test('what no table speaks of, the territories say', async () => {
  const operator = network.as('operator');
  const territory = (areaId: string, branchCode: string, change: object) =>
    operator.createArea({
      area: area(areaId, { kind: Kind.TERRITORY, hubCode: '571', branchCode, ...change }),
    });
  await upload('swift-1', [row('11', '010')]);
  await territory('a3', 'A03', { cells: [parentCell(CELL, 7)], bagDestination: '杭州北' });
  await territory('b1', 'B01', { divisionCodes: ['330110'], routeCode: '07' });
  expect(
    await lookUp({ cell: CELL }, { cell: CELL, divisionCode: '330110' }, YUHANG, {
      divisionCode: '3301',
    }),
  ).toEqual(['571-A03', '571-A03', '571-B01-07 *', 'TOO_COARSE *']);
  const { results } = await operator.lookUpSortCodes({
    courierId: 'swift',
    places: [{ cell: CELL }],
  });
  expect(results[0]).toMatchObject({
    ...{ areaId: 'a3', sortTableId: '', matchedPlace: parentCell(CELL, 7) },
    sortCode: { hubCode: '571', branchCode: 'A03', routeCode: '', bagDestination: '杭州北' },
  });
  // Without a cell nobody can tell in which of them it lies.
  expect(await lookUp({ divisionCode: '3201' }, { divisionCode: '11' })).toEqual([
    ...['TOO_COARSE *', '010'],
  ]);
  // Two branches in one place: the hub that both belong to is all that is sure.
  await territory('c1', 'C01', { cells: [CELL] });
  expect(await lookUp({ cell: CELL })).toEqual(['571 OVERLAP']);
  const { area: c1 } = await operator.getArea({ areaId: 'c1' });
  await operator.updateArea({ area: { ...c1, state: Area_State.DISABLED } as never });
  expect(await lookUp({ cell: CELL })).toEqual(['571-A03']);
});

test('shows a courier its own tables and codes, others none', async () => {
  for (const [id, courierId] of [
    ['t1', 'swift'],
    ['t2', 'slow'],
    ['t3', 'swift'],
  ] as const) {
    await upload(id, [row('33', '571')], { courierId });
  }
  const swift = network.as('courier:swift');
  const list = (who: 'operator' | 'courier:swift', courierId = '') =>
    walk(async (pageToken) => {
      const page = await network.as(who).listSortTables({ pageSize: 2, pageToken, courierId });
      return {
        ids: page.sortTables.map((each) => each.sortTableId),
        nextPageToken: page.nextPageToken,
      };
    });
  expect(await list('operator')).toEqual([['t1', 't2'], ['t3']]);
  expect(await list('operator', 'slow')).toEqual([['t2']]);
  expect(await list('courier:swift')).toEqual([['t1', 't3']]);
  expect((await swift.getSortTable({ sortTableId: 't1' })).sortTable?.rowCount).toBe(1);
  const hidden = swift.getSortTable({ sortTableId: 't2' });
  expect(await fault(hidden)).toMatchObject({ reason: 'SORT_TABLE_NOT_FOUND', id: 't2' });
  const places = [{ divisionCode: '33' }];
  expect((await swift.lookUpSortCodes({ places })).results[0]?.sortCode?.text).toBe('571');
  const foreign = swift.lookUpSortCodes({ courierId: 'slow', places });
  expect(await fault(foreign)).toMatchObject({ reason: 'TENANT_FOREIGN' });
  const merchant = network.as('merchant:shop').listSortTables({});
  expect(await fault(merchant)).toMatchObject({ reason: 'SCOPE_MISSING' });
});
