import { RpcError } from '#libs/errors';
import type { ApiKey } from '#proto/queqiao/network/v1/api_key';
import type { CreateApiKeyRequest } from '#proto/queqiao/network/v1/network_service';
import { apiKeyToMessage, parseNewApiKey } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { makeSecret } from '../secret.ts';
import { insertApiKey, selectApiKey } from '../store.ts';

export async function createApiKey(
  deps: Deps,
  request: CreateApiKeyRequest,
): Promise<{ apiKey: ApiKey; secret: string }> {
  const createTime = deps.now();
  const draft = parseNewApiKey(request.apiKey, createTime);
  const id = draft.api_key_id;
  const { secret, ...stored } = makeSecret(deps.pepper);
  const row = await change(deps, async (tx) => {
    const first = { ...draft, line_id: id, predecessor_id: null };
    const created = await insertApiKey(tx, first, { ...stored, createTime });
    if (created === undefined) {
      const isTaken = (await selectApiKey(tx, id)) !== undefined;
      // Else the index met another one, once in 10^14: a repeat draws a new one.
      throw isTaken
        ? new RpcError('RESOURCE_EXISTS', { metadata: { id } })
        : new RpcError('CONFLICT');
    }
    await announce(tx, { kind: 'api_key', id, version: created.version });
    return created;
  });
  return { apiKey: apiKeyToMessage(row), secret };
}
