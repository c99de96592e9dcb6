import type { Identity } from '#libs/grpc';
import type { Area } from '#proto/queqiao/network/v1/area';
import type { ListAreasRequest } from '#proto/queqiao/network/v1/network_service';
import { areaToMessage } from '../area.ts';
import type { Deps } from '../deps.ts';
import { optionalSlug } from '../field.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectAreas } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function listAreas(
  { pool }: Deps,
  request: ListAreasRequest,
  identity: Identity,
): Promise<{ areas: Area[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const courierId = optionalSlug('courier_id', request.courierId);
  mustBeOwn('courier_id', request.courierId, viewer);
  const page = parsePage(request, { list: 'areas', viewer, filters: [request.courierId] });
  const found = await selectAreas(pool, page, { viewer, courierId });
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.area_id);
  return { areas: rows.map((row) => areaToMessage(row)), nextPageToken };
}
