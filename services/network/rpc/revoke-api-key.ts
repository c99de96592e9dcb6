import { RpcError } from '#libs/errors';
import type { ApiKey } from '#proto/queqiao/network/v1/api_key';
import type { RevokeApiKeyRequest } from '#proto/queqiao/network/v1/network_service';
import { apiKeyToMessage } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { slug } from '../field.ts';
import { revokeActiveApiKey, selectApiKey } from '../store.ts';

export async function revokeApiKey(
  deps: Deps,
  request: RevokeApiKeyRequest,
): Promise<{ apiKey: ApiKey }> {
  const id = slug('api_key_id', request.apiKeyId);
  const row = await change(deps, async (tx) => {
    const revoked = await revokeActiveApiKey(tx, id, deps.now());
    if (revoked !== undefined) {
      await announce(tx, { kind: 'api_key', id, version: revoked.version });
      return revoked;
    }
    return selectApiKey(tx, id);
  });
  if (row === undefined) throw new RpcError('API_KEY_NOT_FOUND', { metadata: { id } });
  return { apiKey: apiKeyToMessage(row) };
}
