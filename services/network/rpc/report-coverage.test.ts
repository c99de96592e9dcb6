import fc from 'fast-check';
import { cellToChildren } from 'h3-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cellOf, compact, parentCell, ring, spread } from '#libs/geo';
import { Area_Kind as Kind } from '#proto/queqiao/network/v1/area';
import { coverageOf } from '../coverage.ts';
import { area, courier, fault, startNetwork, type TestNetwork } from '../test-network.ts';

const CELL = cellOf({ latitudeDeg: 30.02, longitudeDeg: 120.05 });
const TERRITORY = { kind: Kind.TERRITORY, hubCode: '571', branchCode: 'A03' };

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  await network.as('operator').createCourier({ courier: courier('swift') });
});
afterEach(() => network[Symbol.asyncDispose]());

const create = (areaId: string, change: Parameters<typeof area>[1]) =>
  network.as('operator').createArea({ area: area(areaId, change) });
const report = () => network.as('courier:swift').reportCoverage({});

test('reports what two territories claim and what none does', async () => {
  const wide = parentCell(CELL, 6);
  await create('service', { cells: [wide], divisionCodes: ['3301', '32'] });
  expect(await report()).toMatchObject({
    ...{ overlaps: [], gapCellCount: 343n, gapCells: [wide], gapDivisionCodes: ['32', '3301'] },
  });
  await create('t1', { ...TERRITORY, cells: [parentCell(CELL, 7)], divisionCodes: ['330110'] });
  const half = await report();
  expect(half).toMatchObject({ overlaps: [], gapCellCount: 294n, gapDivisionCodes: ['32'] });
  expect(half.gapCells).toHaveLength(6);
  await create('t2', { ...TERRITORY, cells: [parentCell(CELL, 8)], divisionCodes: ['33'] });
  const { overlaps } = await report();
  expect(overlaps).toEqual([
    expect.objectContaining({
      ...{ areaId: 't1', otherAreaId: 't2', cellCount: 7n, cells: [parentCell(CELL, 8)] },
      divisionCodes: ['330110'],
    }),
  ]);
  const other = network.as('courier:slow').reportCoverage({ courierId: 'swift' });
  expect(await fault(other)).toMatchObject({ reason: 'TENANT_FOREIGN' });
  const nobody = await network.as('courier:slow').reportCoverage({});
  expect(nobody).toMatchObject({ overlaps: [], gapCellCount: 0n });
});

test('agrees with a comparison cell by cell', async () => {
  const land = parentCell(CELL, 7);
  const fine = [...cellToChildren(land, 9), ...ring(CELL, 3)];
  const some = fc.subarray([...new Set(fine)], { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(some, some, some, async (service, a, b) => {
      const rows = (area_id: string, kind: 'service' | 'territory', cells: string[]) =>
        compact(cells).map((cell) => ({ area_id, kind, cell, division_code: null }));
      const coverage = await coverageOf([
        ...rows('s', 'service', service),
        ...rows('t1', 'territory', a),
        ...rows('t2', 'territory', b),
      ]);
      const [inA, inB] = [new Set(a), new Set(b)];
      const gap = service.filter((cell) => !inA.has(cell) && !inB.has(cell));
      expect(coverage.gapCellCount).toBe(BigInt(gap.length));
      expect(spread(coverage.gapCells).toSorted()).toEqual(gap.toSorted());
      const both = a.filter((cell) => inB.has(cell));
      const [overlap] = coverage.overlaps;
      expect(overlap?.cellCount ?? 0n).toBe(BigInt(both.length));
    }),
  );
});
