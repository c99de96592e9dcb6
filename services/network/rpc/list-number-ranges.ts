import type { Identity } from '#libs/grpc';
import type { ListNumberRangesRequest } from '#proto/queqiao/network/v1/network_service';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { Deps } from '../deps.ts';
import { optionalSlug } from '../field.ts';
import { numberRangeToMessage } from '../number-range.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectNumberRanges } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function listNumberRanges(
  { pool }: Deps,
  request: ListNumberRangesRequest,
  identity: Identity,
): Promise<{ numberRanges: NumberRange[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const courierId = optionalSlug('courier_id', request.courierId);
  mustBeOwn('courier_id', request.courierId, viewer);
  const page = parsePage(request, { list: 'numberRanges', viewer, filters: [request.courierId] });
  const found = await selectNumberRanges(pool, page, { viewer, courierId });
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.range_id);
  return { numberRanges: rows.map(numberRangeToMessage), nextPageToken };
}
