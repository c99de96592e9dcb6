import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Pool } from '#libs/db';
import { RpcError } from '#libs/errors';
import type {
  AuthenticateApiKeyRequest,
  AuthenticateApiKeyResponseSchema,
} from '#proto/queqiao/network/v1/network_service';
import { type ApiKeyRow, isLive, reachOf, subjectOf } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { isSecretOf, keyIndexOf } from '../secret.ts';
import { noteApiKeyUse, selectApiKeyByIndex } from '../store.ts';

export async function authenticateApiKey(
  { pool, pepper, now }: Deps,
  { secret }: AuthenticateApiKeyRequest,
): Promise<MessageInitShape<typeof AuthenticateApiKeyResponseSchema>> {
  const keyIndex = keyIndexOf(secret);
  const row = keyIndex === undefined ? undefined : await selectApiKeyByIndex(pool, keyIndex);
  // One answer for a secret that is malformed, unknown, wrong, revoked or expired: each of them
  // would tell a guesser something.
  if (row === undefined || !isSecretOf(secret, row.secret_hmac, pepper)) throw invalidKey();
  if (!isLive(row, now())) throw invalidKey();
  // A key serves also while the database takes no writes; the next look-up tries again.
  await noteUse(pool, row, now()).catch(() => undefined);
  return {
    apiKeyId: row.api_key_id,
    subject: subjectOf(row),
    scopes: row.scopes,
    ...(row.expire_time && { expireTime: timestampFromDate(row.expire_time) }),
    ...reachOf(row),
    quotaId: `key/${row.line_id}`,
  };
}

async function noteUse(pool: Pool, { api_key_id, last_use_time }: ApiKeyRow, now: Date) {
  if (last_use_time !== null && now.getTime() - last_use_time.getTime() < NOTE_EVERY_MS) return;
  await noteApiKeyUse(pool, { apiKeyId: api_key_id, now, everyMs: NOTE_EVERY_MS });
}

/** How exact last_use_time is; services ask for a key in use every 30 s. */
const NOTE_EVERY_MS = 10 * 60_000;

function invalidKey(): RpcError {
  return new RpcError('API_KEY_INVALID');
}
