import { OF_EVERYBODY, type Queryable, type Tx } from '#libs/db';
import type { ApiKeyDraft, ApiKeyRow } from '../api-key.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

const COLUMNS = `api_key_id, subject_kind, subject_id, scopes, key_index, expire_time, create_time,
  revoke_time, version`;

/**
 * Undefined if the id or the index is taken. MERCHANT_NOT_FOUND, COURIER_NOT_FOUND if there is no
 * such subject.
 */
export async function insertApiKey(
  tx: Tx,
  apiKey: ApiKeyDraft,
  { keyIndex, secretHmac, createTime }: { keyIndex: string; secretHmac: Buffer; createTime: Date },
): Promise<ApiKeyRow | undefined> {
  const { subject_kind, subject_id } = apiKey;
  const query = tx.query<ApiKeyRow>(
    `insert into network.api_key
       (api_key_id, subject_kind, subject_id, scopes, expire_time, key_index, secret_hmac,
        create_time)
     values ($1::text, $2::text, $3::text, $4::text[], $5::timestamptz, $6::text, $7::bytea,
       $8::timestamptz)
     on conflict do nothing
     returning ${COLUMNS}`,
    [
      apiKey.api_key_id,
      subject_kind,
      subject_id,
      apiKey.scopes,
      apiKey.expire_time,
      keyIndex,
      secretHmac,
      createTime,
    ],
  );
  const rows = await explained(query, { merchant_id: subject_id, courier_id: subject_id });
  return rows[0];
}

/** Undefined if there is none or it was revoked before. */
export async function revokeActiveApiKey(
  tx: Tx,
  apiKeyId: string,
  revokeTime: Date,
): Promise<ApiKeyRow | undefined> {
  const rows = await tx.query<ApiKeyRow>(
    `update network.api_key
     set revoke_time = $2::timestamptz, version = version + 1
     where api_key_id = $1::text and revoke_time is null
     returning ${COLUMNS}`,
    [apiKeyId, revokeTime],
  );
  return rows[0];
}

export async function selectApiKey(
  db: Queryable,
  apiKeyId: string,
): Promise<ApiKeyRow | undefined> {
  const rows = await db.query<ApiKeyRow>(
    `select ${COLUMNS} from network.api_key where api_key_id = $1::text`,
    [apiKeyId],
    { tenant: OF_EVERYBODY },
  );
  return rows[0];
}

/** What decides whether a secret opens something. */
export async function selectApiKeyByIndex(
  db: Queryable,
  keyIndex: string,
): Promise<(ApiKeyRow & { secret_hmac: Buffer }) | undefined> {
  const rows = await db.query<ApiKeyRow & { secret_hmac: Buffer }>(
    `select ${COLUMNS}, secret_hmac from network.api_key where key_index = $1::text`,
    [keyIndex],
    { name: 'network_select_api_key_by_index', tenant: OF_EVERYBODY },
  );
  return rows[0];
}

/** In order of api_key_id. Nobody but an operator may ask; the condition holds if a scope slips. */
export function selectApiKeys(db: Queryable, page: Page, viewer: Viewer): Promise<ApiKeyRow[]> {
  return db.query<ApiKeyRow>(
    `select ${COLUMNS}
     from network.api_key
     where $1::text = 'all' and api_key_id > $2::text
     order by api_key_id
     limit $3::int4`,
    [viewer.kind, page.after, rowLimit(page)],
    { tenant: viewer.setting },
  );
}
