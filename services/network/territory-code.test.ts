import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { cellOf, parentCell, ring } from '#libs/geo';
import { Area_State, Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import { hubOf } from './hub.ts';
import { area, courier, fault, startNetwork, type TestNetwork } from './test-network.ts';

const CELL = cellOf({ latitudeDeg: 30.29, longitudeDeg: 120.16 });

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  for (const id of ['swift', 'slow']) {
    await network.as('operator').createCourier({ courier: courier(id) });
  }
});
afterEach(() => network[Symbol.asyncDispose]());

const create = async (areaId: string, change: Parameters<typeof area>[1] = {}) => {
  const given = area(areaId, { kind: Kind.TERRITORY, cells: [CELL], ...change });
  return (await network.as('operator').createArea({ area: given })).area;
};
const codeOf = (made: { hubCode: string; branchCode: string } | undefined) =>
  `${made?.hubCode}-${made?.branchCode}`;

test('gives a territory its city and the next branch, and the same when asked again', async () => {
  const first = await create('a1');
  expect(codeOf(first)).toBe('3301-001');
  const { results } = await network
    .as('merchant:shop')
    .lookUpSortCodes({ courierId: 'swift', places: [{ cell: CELL }] });
  expect(results[0]?.sortCode?.text).toBe('3301-001');
  expect(await create('a1')).toEqual(first);
  expect(await create('a1', { hubCode: '3301' })).toEqual(first);
  expect(await create('a1', { hubCode: '3301', branchCode: '001' })).toEqual(first);
  for (const change of [{ hubCode: '571' }, { hubCode: '3301', branchCode: '002' }]) {
    expect(await fault(create('a1', change))).toMatchObject({ reason: 'RESOURCE_EXISTS' });
  }
  expect(codeOf(await create('a2', { divisionCodes: ['330106'], cells: [] }))).toBe('3301-002');
  expect(codeOf(await create('a3', { hubCode: '571' }))).toBe('571-001');
  expect(codeOf(await create('a4', { divisionCodes: ['31'], cells: [] }))).toBe('3100-001');
  // Each courier numbers its own.
  expect(codeOf(await create('b1', { courierId: 'slow' }))).toBe('3301-001');
  expect(await fault(create('c1', { courierId: 'nobody' }))).toMatchObject({
    ...{ reason: 'COURIER_NOT_FOUND', id: 'nobody' },
  });
  const kinds = (await network.events()).filter(({ kind }) => kind === 'area');
  expect(kinds.map(({ id }) => id)).toEqual(['a1', 'a2', 'a3', 'a4', 'b1']);
});

test('refuses a branch without its hub, and land in no city', async () => {
  const names = { reason: 'FIELD_INVALID', field: 'area.hub_code', problem: 'REQUIRED' };
  expect(await fault(create('a1', { branchCode: '001' }))).toMatchObject(names);
  const sea = cellOf({ latitudeDeg: 25, longitudeDeg: 140 });
  expect(await fault(create('a1', { cells: [sea] }))).toMatchObject(names);
  const service = create('s1', { kind: Kind.SERVICE, hubCode: '3301' });
  expect(await fault(service)).toMatchObject({ problem: 'NOT_ALLOWED' });
});

test('keeps what there was through updates, and never gives a number twice', async () => {
  const operator = network.as('operator');
  const first = await create('a1');
  const left = { hubCode: '', branchCode: '', state: Area_State.DISABLED };
  const { area: disabled } = await operator.updateArea({ area: { ...first, ...left } as never });
  expect(codeOf(disabled)).toBe('3301-001');
  expect(codeOf(await create('a2'))).toBe('3301-002');
  // Land elsewhere, which is another city's: the codes stay until somebody changes them.
  const beijing = [cellOf({ latitudeDeg: 39.9, longitudeDeg: 116.4 })];
  const moved = { ...disabled, hubCode: '', branchCode: '', cells: beijing } as never;
  const { area: there } = await operator.updateArea({ area: moved });
  expect(codeOf(there)).toBe('3301-001');
  const other = { ...there, hubCode: '1100', branchCode: '' } as never;
  expect(codeOf((await operator.updateArea({ area: other })).area)).toBe('1100-001');
  // What it gave up is on labels that are under way.
  expect(codeOf(await create('a3'))).toBe('3301-003');
  // What the courier chose itself is passed over.
  await create('a4', { hubCode: '3301', branchCode: '004' });
  expect(codeOf(await create('a5'))).toBe('3301-005');
  // Without a note of what was given, what was given up would be given again.
  await network.db.query('delete from network.territory_branch');
  expect(codeOf(await create('a6'))).toBe('3301-001');
});

test('lets two at once never have the same', async () => {
  const calls = ['a1', 'a2', 'a3', 'a3'].map((id) => () => create(id));
  const outcomes = await network.atOnce('territory_branch', calls);
  const codes = outcomes.map((each) => (each.status === 'fulfilled' ? codeOf(each.value) : each));
  expect(new Set(codes.slice(0, 3)).size).toBe(3);
  expect(codes[2]).toBe(codes[3]);
  for (const code of codes) expect(code).toMatch(/^3301-00[1-4]$/);
  expect(codes).not.toContain(codeOf(await create('a4')));
});

test('numbers of a hub are all different whatever is done', async () => {
  const step = fc.record({
    id: fc.nat(9),
    hubCode: fc.constantFrom('', 'H1', 'H2'),
    branchCode: fc.constantFrom('', '', '', '002', '005'),
  });
  let round = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
      round++;
      const given = new Map<string, string>();
      const chosen = new Set<string>();
      for (const { id, hubCode, branchCode } of steps) {
        const areaId = `r${round}-${id}`;
        const hub = `${hubCode || 'H1'}${round}`;
        const change = { hubCode: hub, branchCode };
        const was = given.get(areaId);
        const made = await (was === undefined ? create(areaId, change) : update(areaId, change));
        const code = codeOf(made);
        given.set(areaId, code);
        expect(code).toMatch(/^H[12]\d+-\d{3}$/);
        if (branchCode !== '') chosen.add(code);
        else if (code !== was) {
          // New from the service: nobody has it or had it.
          expect(chosen.has(code), code).toBe(false);
          chosen.add(code);
        }
      }
    }),
    { numRuns: 15 },
  );
}, 120_000);

async function update(areaId: string, change: object) {
  const operator = network.as('operator');
  const { area: current } = await operator.getArea({ areaId });
  return (await operator.updateArea({ area: { ...current, ...change } as never })).area;
}

describe('the hub of land', () => {
  const ofCodes = (...divisionCodes: string[]) => hubOf({ cells: [], divisionCodes });
  const at = (latitudeDeg: number, longitudeDeg: number) =>
    hubOf({ cells: ring(cellOf({ latitudeDeg, longitudeDeg }), 3), divisionCodes: [] });

  it('is its city', () => {
    expect(ofCodes('3301')).toBe('3301');
    expect(ofCodes('330110', '330106')).toBe('3301');
    expect(ofCodes('330110109')).toBe('3301');
    expect(at(30.29, 120.16)).toBe('3301');
    expect(at(31.38, 120.95)).toBe('3205');
  });

  it('is the province where that is a city, or all that is said', () => {
    expect(ofCodes('310115')).toBe('3100');
    expect(ofCodes('500230')).toBe('5000');
    expect(ofCodes('33')).toBe('3300');
    expect(ofCodes('81')).toBe('8100');
    expect(at(31.22, 121.54)).toBe('3100');
    expect(at(22.3, 114.17)).toBe('8100');
    expect(at(25.05, 121.52)).toBe('7100');
  });

  it('is the county where that answers to its province', () => {
    expect(ofCodes('429004')).toBe('429004');
    expect(ofCodes('429004100')).toBe('429004');
    expect(at(30.36, 113.45)).toBe('429004');
    expect(ofCodes('441900')).toBe('4419');
  });

  it('is the city that most lies in', () => {
    expect(ofCodes('330110', '320106', '320102')).toBe('3201');
    // A city is more than streets of another.
    expect(ofCodes('3301', '320102001', '320102002', '320102003')).toBe('3301');
    expect(ofCodes('330110012', '320102002')).toBe('3201');
    // Divisions before cells.
    expect(hubOf({ cells: [parentCell(CELL, 6)], divisionCodes: ['320106'] })).toBe('3201');
  });
});
