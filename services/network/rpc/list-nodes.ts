import type { Identity } from '#libs/grpc';
import type { ListNodesRequest } from '#proto/queqiao/network/v1/network_service';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { Deps } from '../deps.ts';
import { optionalSlug } from '../field.ts';
import { nodeToMessage } from '../node.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectNodes } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function listNodes(
  { pool }: Deps,
  request: ListNodesRequest,
  identity: Identity,
): Promise<{ nodes: Node[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const merchantId = optionalSlug('merchant_id', request.merchantId);
  mustBeOwn('merchant_id', request.merchantId, viewer);
  const page = parsePage(request, { list: 'nodes', viewer, filters: [request.merchantId] });
  const found = await selectNodes(pool, page, { viewer, merchantId });
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.node_id);
  return { nodes: rows.map(nodeToMessage), nextPageToken };
}
