import { type Duration, durationMs } from '@bufbuild/protobuf/wkt';
import type { Tx } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { ApiKey } from '#proto/queqiao/network/v1/api_key';
import type { RotateApiKeyRequest } from '#proto/queqiao/network/v1/network_service';
import { type ApiKeyRow, apiKeyToMessage, parseExpireTime } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { inRange, slug } from '../field.ts';
import { makeSecret, type NewSecret } from '../secret.ts';
import {
  expireApiKey,
  insertApiKey,
  lockApiKeyLine,
  selectApiKey,
  selectLiveApiKeys,
} from '../store.ts';

export async function rotateApiKey(
  deps: Deps,
  request: RotateApiKeyRequest,
): Promise<{ apiKey: ApiKey; secret: string; predecessor: ApiKey }> {
  const now = deps.now();
  const id = slug('api_key_id', request.apiKeyId);
  const successorId = slug('successor_id', request.successorId);
  const end = new Date(now.getTime() + parseGraceMs(request.graceDuration));
  const expireTime = parseExpireTime('expire_time', request.expireTime, now);
  const secret = makeSecret(deps.pepper);
  const [predecessor, successor] = await change(deps, async (tx) => {
    const old = await lockLiveKey(tx, id, now);
    const next = { successorId, expireTime: expireTime ?? asLongAs(old, now) };
    const created = await insertSuccessor(tx, old, { ...next, secret, now });
    const ending = await expireApiKey(tx, id, end);
    await announce(tx, { kind: 'api_key', id: successorId, version: created.version });
    await announce(tx, { kind: 'api_key', id, version: ending.version });
    return [ending, created];
  });
  return {
    apiKey: apiKeyToMessage(successor),
    secret: secret.secret,
    predecessor: apiKeyToMessage(predecessor),
  };
}

/** The key, if it is in use and the only one of its line; no other rotation comes between. */
async function lockLiveKey(tx: Tx, id: string, now: Date): Promise<ApiKeyRow> {
  const seen = await selectApiKey(tx, id);
  if (seen === undefined) throw new RpcError('API_KEY_NOT_FOUND', { metadata: { id } });
  await lockApiKeyLine(tx, seen.line_id);
  // Read anew: a rotation that held the lock before may have made or ended keys.
  const live = await selectLiveApiKeys(tx, seen.line_id, now);
  const old = live.find((row) => row.api_key_id === id);
  if (old === undefined) throw new RpcError('KEY_ENDED', { metadata: { id } });
  const other = live.find((row) => row.api_key_id !== id);
  if (other !== undefined) {
    throw new RpcError('KEY_ROTATING', { metadata: { id, other: other.api_key_id } });
  }
  return old;
}

async function insertSuccessor(
  tx: Tx,
  old: ApiKeyRow,
  { successorId, expireTime, secret: { secret: _, ...stored }, now }: Successor,
): Promise<ApiKeyRow> {
  const apiKey = {
    ...old,
    api_key_id: successorId,
    predecessor_id: old.api_key_id,
    expire_time: expireTime,
  };
  const created = await insertApiKey(tx, apiKey, { ...stored, createTime: now });
  if (created !== undefined) return created;
  const isTaken = (await selectApiKey(tx, successorId)) !== undefined;
  // Else the index met another one, once in 10^14: a repeat draws a new one.
  throw isTaken
    ? new RpcError('RESOURCE_EXISTS', { metadata: { id: successorId } })
    : new RpcError('CONFLICT');
}

/** When a key ends that is made now for as long a life as the old one was. */
function asLongAs({ create_time, expire_time }: ApiKeyRow, now: Date): Date | null {
  if (expire_time === null) return null;
  return new Date(now.getTime() + expire_time.getTime() - create_time.getTime());
}

function parseGraceMs(duration: Duration | undefined): number {
  if (duration === undefined) return DEFAULT_GRACE_MS;
  return inRange('grace_duration', durationMs(duration), 0, GRACE_MAX_MS);
}

const DAY_MS = 24 * 3_600_000;
const DEFAULT_GRACE_MS = DAY_MS;
const GRACE_MAX_MS = 30 * DAY_MS;

type Successor = {
  successorId: string;
  expireTime: Date | null;
  secret: NewSecret;
  now: Date;
};
