import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Area } from '#proto/queqiao/network/v1/area';
import type { UpdateAreaRequest } from '#proto/queqiao/network/v1/network_service';
import { AREA_FIXED, mustHaveLand, parseArea } from '../area.ts';
import { wholeArea, withRoutes } from '../area-land.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import {
  replaceArea,
  replaceLand,
  selectArea,
  selectCells,
  selectDivisionCodes,
} from '../store.ts';
import { withCodesAfter } from '../territory-code.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function updateArea(
  deps: Deps,
  request: UpdateAreaRequest,
  identity: Identity,
): Promise<{ area: Area }> {
  const viewer = viewerOf(identity);
  mustBeOwn('courier_id', request.area?.courierId ?? '', viewer);
  const { draft, land } = await parseArea(request.area, viewer);
  const etag = parseEtag('area', request.area);
  const { area_id: id, courier_id: courierId } = draft;
  const area = await change(
    deps,
    async (tx) => {
      const current = await selectArea(tx, id, viewer);
      if (current === undefined) throw new RpcError('AREA_NOT_FOUND', { metadata: { id } });
      mustHaveEtag(etag, id, current);
      mustKeep('area', { draft, row: current, columns: AREA_FIXED });
      // One that others took all its land from may go on without, to be disabled.
      if (current.cell_count > 0 || (await selectDivisionCodes(tx, id, viewer)).length > 0) {
        mustHaveLand(land);
      }
      const { version } = current;
      const complete = await withCodesAfter(tx, draft, current);
      const updated = await replaceArea(tx, complete, { version, updateTime: deps.now() });
      // Another update came between the two statements.
      if (updated === undefined) throw new RpcError('CONFLICT');
      // What has one route as a whole has none within.
      const before = draft.route_code === '' ? await selectCells(tx, id, viewer) : [];
      await replaceLand(tx, draft, { ...land, cells: withRoutes(land, before) });
      await announce(tx, { kind: 'area', id, version: updated.version, courierId });
      return await wholeArea(tx, updated, viewer);
    },
    viewer.setting,
  );
  return { area };
}
