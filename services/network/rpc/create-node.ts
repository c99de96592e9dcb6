import type { CreateNodeRequest } from '#proto/queqiao/network/v1/network_service';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { nodeToMessage, parseNewNode } from '../node.ts';
import { insertNode, selectNode } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function createNode(deps: Deps, request: CreateNodeRequest): Promise<{ node: Node }> {
  const draft = parseNewNode(request.node);
  const id = draft.node_id;
  const row = await change(deps, async (tx) => {
    const created = await insertNode(tx, draft, deps.now());
    if (created !== undefined) {
      await announce(tx, { kind: 'node', id, version: created.version });
      return created;
    }
    return sameContents({ id, draft }, await selectNode(tx, id, EVERYONE));
  });
  return { node: nodeToMessage(row) };
}
