import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { CreateSortTableRequest } from '#proto/queqiao/network/v1/network_service';
import type { SortTable } from '#proto/queqiao/network/v1/sort_table';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { parseNewSortTable, sortTableToMessage } from '../sort-table.ts';
import { insertSortRows, insertSortTable, selectSortTable } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function createSortTable(
  deps: Deps,
  request: CreateSortTableRequest,
  identity: Identity,
): Promise<{ sortTable: SortTable }> {
  const viewer = viewerOf(identity);
  mustBeOwn('courier_id', request.sortTable?.courierId ?? '', viewer);
  const { draft, rows } = parseNewSortTable(request.sortTable, request.rows, viewer);
  const { sort_table_id: id, courier_id: courierId } = draft;
  const row = await change(
    deps,
    async (tx) => {
      const created = await insertSortTable(tx, draft, deps.now());
      if (created !== undefined) {
        await insertSortRows(tx, draft, rows);
        await announce(tx, { kind: 'sort_table', id, version: created.version, courierId });
        return created;
      }
      const existing = await selectSortTable(tx, id, viewer);
      // The id may be another courier's, whose table stays unseen.
      if (existing === undefined) throw new RpcError('RESOURCE_EXISTS', { metadata: { id } });
      return sameContents({ id, draft }, existing);
    },
    viewer.setting,
  );
  return { sortTable: sortTableToMessage(row) };
}
