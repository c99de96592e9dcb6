import type { Identity } from '#libs/grpc';
import type { ListSortTablesRequest } from '#proto/queqiao/network/v1/network_service';
import type { SortTable } from '#proto/queqiao/network/v1/sort_table';
import type { Deps } from '../deps.ts';
import { optionalSlug } from '../field.ts';
import { cutPage, parsePage } from '../page.ts';
import { sortTableToMessage } from '../sort-table.ts';
import { selectSortTables } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function listSortTables(
  { pool }: Deps,
  request: ListSortTablesRequest,
  identity: Identity,
): Promise<{ sortTables: SortTable[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const courierId = optionalSlug('courier_id', request.courierId);
  mustBeOwn('courier_id', request.courierId, viewer);
  const page = parsePage(request, { list: 'sortTables', viewer, filters: [request.courierId] });
  const found = await selectSortTables(pool, page, { viewer, courierId });
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.sort_table_id);
  return { sortTables: rows.map(sortTableToMessage), nextPageToken };
}
