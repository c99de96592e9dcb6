import type { Identity } from '#libs/grpc';
import type { LookUpSortCodesRequest } from '#proto/queqiao/network/v1/network_service';
import type { SortCodeResult } from '#proto/queqiao/network/v1/sort_table';
import type { Deps } from '../deps.ts';
import { parseCourier, parsePlaces } from '../place.ts';
import { sortCodesFor } from '../sort-code.ts';
import { viewerOf } from '../viewer.ts';

export async function lookUpSortCodes(
  { pool }: Deps,
  request: LookUpSortCodesRequest,
  identity: Identity,
): Promise<{ results: SortCodeResult[] }> {
  const courierId = parseCourier(request.courierId, viewerOf(identity));
  const places = parsePlaces(request.places);
  return { results: await sortCodesFor(pool, courierId, places) };
}
