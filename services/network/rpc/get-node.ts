import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { GetNodeRequest } from '#proto/queqiao/network/v1/network_service';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { nodeToMessage } from '../node.ts';
import { selectNode } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getNode(
  { pool }: Deps,
  request: GetNodeRequest,
  identity: Identity,
): Promise<{ node: Node }> {
  const id = slug('node_id', request.nodeId);
  const row = await selectNode(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('NODE_NOT_FOUND', { metadata: { id } });
  return { node: nodeToMessage(row) };
}
