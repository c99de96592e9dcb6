import { RpcError } from '#libs/errors';
import type { UpdateNodeRequest } from '#proto/queqiao/network/v1/network_service';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { NODE_FIXED, nodeToMessage, parseNode } from '../node.ts';
import { replaceNode, selectNode } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function updateNode(deps: Deps, request: UpdateNodeRequest): Promise<{ node: Node }> {
  const draft = parseNode(request.node);
  const etag = parseEtag('node', request.node);
  const id = draft.node_id;
  const row = await change(deps, async (tx) => {
    const current = await selectNode(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('NODE_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    mustKeep('node', { draft, row: current, columns: NODE_FIXED });
    const { version } = current;
    const updated = await replaceNode(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    await announce(tx, { kind: 'node', id, version: updated.version });
    return updated;
  });
  return { node: nodeToMessage(row) };
}
