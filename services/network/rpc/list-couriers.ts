import type { Identity } from '#libs/grpc';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { ListCouriersRequest } from '#proto/queqiao/network/v1/network_service';
import { courierToMessage } from '../courier.ts';
import type { Deps } from '../deps.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectCouriers } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function listCouriers(
  { pool }: Deps,
  request: ListCouriersRequest,
  identity: Identity,
): Promise<{ couriers: Courier[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const page = parsePage(request, { list: 'couriers', viewer });
  const found = await selectCouriers(pool, page, viewer);
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.courier_id);
  return { couriers: rows.map(courierToMessage), nextPageToken };
}
