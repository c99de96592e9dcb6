import { OF_EVERYBODY, type Queryable, type Tx } from '#libs/db';
import type { Ancestry, ApiKeyDraft, ApiKeyRow } from '../api-key.ts';
import { type Page, rowLimit } from '../page.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

const COLUMNS = `api_key_id, subject_kind, subject_id, scopes, key_index, expire_time, create_time,
  revoke_time, allowed_cidrs, calls_per_s, burst_count, waybills_per_day, last_use_time,
  predecessor_id, line_id, version`;

/**
 * Undefined if the id or the index is taken. MERCHANT_NOT_FOUND, COURIER_NOT_FOUND if there is no
 * such subject.
 */
export async function insertApiKey(
  tx: Tx,
  apiKey: ApiKeyDraft & Ancestry,
  { keyIndex, secretHmac, createTime }: { keyIndex: string; secretHmac: Buffer; createTime: Date },
): Promise<ApiKeyRow | undefined> {
  const { subject_kind, subject_id } = apiKey;
  const query = tx.query<ApiKeyRow>(
    `insert into network.api_key
       (api_key_id, subject_kind, subject_id, scopes, expire_time, key_index, secret_hmac,
        create_time, allowed_cidrs, calls_per_s, burst_count, waybills_per_day, predecessor_id,
        line_id)
     values ($1::text, $2::text, $3::text, $4::text[], $5::timestamptz, $6::text, $7::bytea,
       $8::timestamptz, $9::text[], $10::int4, $11::int4, $12::int8, $13::text, $14::text)
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
      apiKey.allowed_cidrs,
      apiKey.calls_per_s,
      apiKey.burst_count,
      apiKey.waybills_per_day,
      apiKey.predecessor_id,
      apiKey.line_id,
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

/** Lets one rotation of a line at a time come past. */
export async function lockApiKeyLine(tx: Tx, lineId: string): Promise<void> {
  await tx.query('select from network.api_key where api_key_id = $1::text for no key update', [
    lineId,
  ]);
}

/** The keys of a line that are neither revoked nor expired. */
export function selectLiveApiKeys(tx: Tx, lineId: string, now: Date): Promise<ApiKeyRow[]> {
  return tx.query<ApiKeyRow>(
    `select ${COLUMNS}
     from network.api_key
     where line_id = $1::text and revoke_time is null
       and (expire_time is null or expire_time > $2::timestamptz)`,
    [lineId, now],
  );
}

/** Sets the end of a key, or brings it forward. */
export async function expireApiKey(tx: Tx, apiKeyId: string, expireTime: Date): Promise<ApiKeyRow> {
  const rows = await tx.query<ApiKeyRow>(
    `update network.api_key
     set expire_time = least(expire_time, $2::timestamptz), version = version + 1
     where api_key_id = $1::text
     returning ${COLUMNS}`,
    [apiKeyId, expireTime],
  );
  return rows[0] as ApiKeyRow;
}

/** Notes that a key is in use, at most once in so long: a look-up shall not become a write. */
export async function noteApiKeyUse(
  db: Queryable,
  { apiKeyId, now, everyMs }: { apiKeyId: string; now: Date; everyMs: number },
): Promise<void> {
  await db.query(
    `update network.api_key
     set last_use_time = $2::timestamptz
     where api_key_id = $1::text
       and (last_use_time is null
         or last_use_time <= $2::timestamptz - $3::int8 * interval '1 ms')`,
    [apiKeyId, now, everyMs],
    { tenant: OF_EVERYBODY },
  );
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
