import { create } from '@bufbuild/protobuf';
import { RpcError, tooMany } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { turns } from '#libs/run';
import type { Overlap } from '#proto/queqiao/network/v1/coverage';
import {
  type SettleTerritoriesRequest,
  type SettleTerritoriesResponse,
  SettleTerritoriesResponseSchema,
} from '#proto/queqiao/network/v1/network_service';
import { type AreaRow, CELLS_MAX } from '../area.ts';
import { routedCells } from '../area-land.ts';
import { coverageOf } from '../coverage.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { parseCourier } from '../place.ts';
import { type Claims, type Settlement, settle } from '../settle.ts';
import {
  type RoutedCell,
  replaceArea,
  replaceCells,
  selectCells,
  selectDivisionCodes,
  selectSettling,
} from '../store.ts';
import { type Viewer, viewerOf } from '../viewer.ts';

const AREAS_MAX = 10_000;
const ALL_CELLS_MAX = 1_000_000;

export async function settleTerritories(
  deps: Deps,
  request: SettleTerritoriesRequest,
  { identity, signal }: Pick<CallContext, 'identity' | 'signal'>,
): Promise<SettleTerritoriesResponse> {
  const viewer = viewerOf(identity);
  const courierId = parseCourier(request.courierId, viewer);
  const { areas, claims, divisions } = await readAreas(deps, courierId, viewer);
  // Outside of any transaction: it takes seconds where there is much land.
  const settlement = await settle(claims, signal);
  for (const { areaId, cellCount } of settlement.changes) {
    if (cellCount > CELLS_MAX) throw tooMany(`cells of area ${areaId}`, cellCount, CELLS_MAX);
  }
  if (!request.validateOnly && settlement.changes.length > 0) {
    await keep(deps, { courierId, areas, settlement, viewer, signal });
  }
  return answer(settlement, divisions);
}

/** Versions first: land that is read later and changed meanwhile is found out when it is kept. */
async function readAreas({ pool }: Deps, courierId: string, viewer: Viewer): Promise<Reading> {
  const areas = await selectSettling(pool, courierId, { viewer, limit: AREAS_MAX + 1 });
  if (areas.length > AREAS_MAX) throw tooMany('areas', areas.length, AREAS_MAX);
  for (const kind of ['service', 'territory'] as const) {
    const own = areas.filter((area) => area.kind === kind);
    const count = own.reduce((sum, area) => sum + area.cell_count, 0);
    if (count > ALL_CELLS_MAX) throw tooMany(`cells of ${kind} areas`, count, ALL_CELLS_MAX);
  }
  const service: string[][] = [];
  const territories: Claims['territories'][number][] = [];
  const land: Parameters<typeof coverageOf>[0][number][] = [];
  for (const { area_id, kind } of areas) {
    const cells = await selectCells(pool, area_id, viewer);
    if (kind === 'service') service.push(cells.map(({ cell }) => cell));
    else territories.push({ areaId: area_id, cells });
    for (const division_code of await selectDivisionCodes(pool, area_id, viewer)) {
      land.push({ area_id, kind: kind as 'service' | 'territory', cell: null, division_code });
    }
  }
  return { areas, claims: { service, territories }, divisions: await coverageOf(land) };
}

/** Writes all that changed, unless any of the areas is another than it was when it was read. */
async function keep(deps: Deps, keeping: Keeping): Promise<void> {
  const { courierId, areas, settlement, viewer, signal } = keeping;
  const { changes, landOf } = settlement;
  const others = turns(signal);
  const rows = new Map(areas.map((area) => [area.area_id, area]));
  const lands = new Map<string, RoutedCell[]>();
  for (const { areaId } of changes) {
    lands.set(areaId, routedCells(landOf.get(areaId) ?? new Map()));
    await others();
  }
  await change(
    deps,
    async (tx) => {
      const now = await selectSettling(tx, courierId, { viewer, limit: AREAS_MAX + 1 });
      if (versionsOf(now) !== versionsOf(areas)) throw new RpcError('CONFLICT');
      for (const { areaId: id, cellCount } of changes) {
        signal.throwIfAborted();
        const row = rows.get(id) as AreaRow;
        const draft = { ...row, cell_count: cellCount };
        const { version } = row;
        const updated = await replaceArea(tx, draft, { version, updateTime: deps.now() });
        if (updated === undefined) throw new RpcError('CONFLICT');
        await replaceCells(tx, row, lands.get(id) ?? []);
        await announce(tx, { kind: 'area', id, version: updated.version, courierId });
      }
    },
    viewer.setting,
  );
}

function versionsOf(areas: readonly AreaRow[]): string {
  return areas.map(({ area_id, version }) => `${area_id} ${version}`).join('\n');
}

function answer(settlement: Settlement, divisions: Divisions): SettleTerritoriesResponse {
  return create(SettleTerritoriesResponseSchema, {
    changes: settlement.changes.map(({ areaId, gained, lost, cellCount }) => ({
      ...{ areaId, gainedCellCount: gained, lostCellCount: lost, cellCount },
    })),
    overlapCellCountBefore: BigInt(settlement.overlapCellCount),
    gapCellCountBefore: BigInt(settlement.gapCellCount),
    gapCellCountAfter: BigInt(settlement.gapCellCountAfter),
    divisionOverlaps: divisions.overlaps,
    gapDivisionCodes: divisions.gapDivisionCodes,
  });
}

type Divisions = { overlaps: Overlap[]; gapDivisionCodes: string[] };
type Reading = { areas: AreaRow[]; claims: Claims; divisions: Divisions };
type Keeping = {
  courierId: string;
  areas: readonly AreaRow[];
  settlement: Settlement;
  viewer: Viewer;
  signal: AbortSignal;
};
