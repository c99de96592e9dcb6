import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { RpcError } from '#libs/errors';
import type {
  AuthenticateApiKeyRequest,
  AuthenticateApiKeyResponseSchema,
} from '#proto/queqiao/network/v1/network_service';
import { subjectOf } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { isSecretOf, keyIndexOf } from '../secret.ts';
import { selectApiKeyByIndex } from '../store.ts';

export async function authenticateApiKey(
  { pool, pepper, now }: Deps,
  { secret }: AuthenticateApiKeyRequest,
): Promise<MessageInitShape<typeof AuthenticateApiKeyResponseSchema>> {
  const keyIndex = keyIndexOf(secret);
  const row = keyIndex === undefined ? undefined : await selectApiKeyByIndex(pool, keyIndex);
  // One answer for a secret that is malformed, unknown, wrong, revoked or expired: each of them
  // would tell a guesser something.
  if (row === undefined || !isSecretOf(secret, row.secret_hmac, pepper)) throw invalidKey();
  const isExpired = row.expire_time !== null && row.expire_time <= now();
  if (row.revoke_time !== null || isExpired) throw invalidKey();
  return {
    apiKeyId: row.api_key_id,
    subject: subjectOf(row),
    scopes: row.scopes,
    ...(row.expire_time && { expireTime: timestampFromDate(row.expire_time) }),
  };
}

function invalidKey(): RpcError {
  return new RpcError('API_KEY_INVALID');
}
