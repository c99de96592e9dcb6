import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { UpdateSortTableRequest } from '#proto/queqiao/network/v1/network_service';
import type { SortTable } from '#proto/queqiao/network/v1/sort_table';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { parseSortTable, sortTableToMessage } from '../sort-table.ts';
import { replaceSortTable, selectSortTable } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function updateSortTable(
  deps: Deps,
  request: UpdateSortTableRequest,
  identity: Identity,
): Promise<{ sortTable: SortTable }> {
  const viewer = viewerOf(identity);
  mustBeOwn('courier_id', request.sortTable?.courierId ?? '', viewer);
  const draft = parseSortTable(request.sortTable, viewer);
  const etag = parseEtag('sort_table', request.sortTable);
  const { sort_table_id: id, courier_id: courierId } = draft;
  const row = await change(
    deps,
    async (tx) => {
      const current = await selectSortTable(tx, id, viewer);
      if (current === undefined) throw new RpcError('SORT_TABLE_NOT_FOUND', { metadata: { id } });
      mustHaveEtag(etag, id, current);
      mustKeep('sort_table', { draft, row: current, columns: ['courier_id'] });
      const { version } = current;
      const updated = await replaceSortTable(tx, draft, { version, updateTime: deps.now() });
      // Another update came between the two statements.
      if (updated === undefined) throw new RpcError('CONFLICT');
      await announce(tx, { kind: 'sort_table', id, version: updated.version, courierId });
      return updated;
    },
    viewer.setting,
  );
  return { sortTable: sortTableToMessage(row) };
}
