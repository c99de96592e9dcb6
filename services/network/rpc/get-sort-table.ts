import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { GetSortTableRequest } from '#proto/queqiao/network/v1/network_service';
import type { SortTable } from '#proto/queqiao/network/v1/sort_table';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { sortTableToMessage } from '../sort-table.ts';
import { selectSortTable } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getSortTable(
  { pool }: Deps,
  request: GetSortTableRequest,
  identity: Identity,
): Promise<{ sortTable: SortTable }> {
  const id = slug('sort_table_id', request.sortTableId);
  const row = await selectSortTable(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('SORT_TABLE_NOT_FOUND', { metadata: { id } });
  return { sortTable: sortTableToMessage(row) };
}
