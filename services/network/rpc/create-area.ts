import { isDeepStrictEqual } from 'node:util';
import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Area } from '#proto/queqiao/network/v1/area';
import type { CreateAreaRequest } from '#proto/queqiao/network/v1/network_service';
import { parseNewArea } from '../area.ts';
import { cellsIn, wholeArea } from '../area-land.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { insertArea, replaceLand, selectArea, selectCells, selectDivisionCodes } from '../store.ts';
import { withCodes, withCodesOf } from '../territory-code.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function createArea(
  deps: Deps,
  request: CreateAreaRequest,
  identity: Identity,
): Promise<{ area: Area }> {
  const viewer = viewerOf(identity);
  mustBeOwn('courier_id', request.area?.courierId ?? '', viewer);
  const { draft, land } = await parseNewArea(request.area, viewer);
  const { area_id: id, courier_id: courierId } = draft;
  const area = await change(
    deps,
    async (tx) => {
      // Asked for again, it needs no code; of two at once one may leave a gap in the numbers.
      const known = await selectArea(tx, id, viewer);
      const created =
        known === undefined
          ? await insertArea(tx, await withCodes(tx, draft, land), deps.now())
          : undefined;
      if (created !== undefined) {
        const cells = land.cells.map((cell) => ({ cell, routeCode: '' }));
        await replaceLand(tx, draft, { ...land, cells });
        await announce(tx, { kind: 'area', id, version: created.version, courierId });
        return await wholeArea(tx, created, viewer);
      }
      const row = known ?? (await selectArea(tx, id, viewer));
      const exists = new RpcError('RESOURCE_EXISTS', { metadata: { id } });
      // The id may be another courier's, whose area stays unseen.
      if (row === undefined) throw exists;
      const cells = cellsIn(await selectCells(tx, id, viewer));
      const divisionCodes = await selectDivisionCodes(tx, id, viewer);
      if (!isDeepStrictEqual({ cells, divisionCodes }, land)) throw exists;
      return await wholeArea(tx, sameContents({ id, draft: withCodesOf(draft, row) }, row), viewer);
    },
    viewer.setting,
  );
  return { area };
}
