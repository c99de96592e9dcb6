import { transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Area } from '#proto/queqiao/network/v1/area';
import type { GetAreaRequest } from '#proto/queqiao/network/v1/network_service';
import { wholeArea } from '../area-land.ts';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { selectArea } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getArea(
  { pool }: Deps,
  request: GetAreaRequest,
  identity: Identity,
): Promise<{ area: Area }> {
  const id = slug('area_id', request.areaId);
  const viewer = viewerOf(identity);
  const area = await transaction(
    pool,
    async (tx) => {
      const row = await selectArea(tx, id, viewer);
      return row && (await wholeArea(tx, row, viewer));
    },
    { tenant: viewer.setting },
  );
  if (area === undefined) throw new RpcError('AREA_NOT_FOUND', { metadata: { id } });
  return { area };
}
