import type { Queryable, Tx } from '#libs/db';
import { type Page, rowLimit } from '../page.ts';
import type { TokenIssuerDraft, TokenIssuerRow } from '../token-issuer.ts';
import type { Viewer } from '../viewer.ts';
import { explained } from './constraint.ts';

// What an update replaces.
const CHANGEABLE = `audience, jwks, scopes, state, allowed_cidrs, calls_per_s, burst_count,
  waybills_per_day`;

const GIVEN = `token_issuer_id, issuer, subject_kind, subject_id, ${CHANGEABLE}`;

const COLUMNS = `${GIVEN}, version, create_time, update_time`;

/**
 * Undefined if the id or the issuer is taken; waits for another insert of the same to end.
 * MERCHANT_NOT_FOUND, COURIER_NOT_FOUND.
 */
export async function insertTokenIssuer(
  tx: Tx,
  tokenIssuer: TokenIssuerDraft,
  createTime: Date,
): Promise<TokenIssuerRow | undefined> {
  const query = tx.query<TokenIssuerRow>(
    `insert into network.token_issuer (${GIVEN}, create_time, update_time)
     select ${GIVEN}, $2::timestamptz, $2::timestamptz
     from jsonb_populate_record(null::network.token_issuer, $1::jsonb)
     on conflict do nothing
     returning ${COLUMNS}`,
    [JSON.stringify(tokenIssuer), createTime],
  );
  const { subject_id } = tokenIssuer;
  const rows = await explained(query, { merchant_id: subject_id, courier_id: subject_id });
  return rows[0];
}

/** Undefined if the version of the row is another one. */
export async function replaceTokenIssuer(
  tx: Tx,
  tokenIssuer: TokenIssuerDraft,
  { version, updateTime }: { version: string; updateTime: Date },
): Promise<TokenIssuerRow | undefined> {
  const rows = await tx.query<TokenIssuerRow>(
    `update network.token_issuer
     set (${CHANGEABLE}) = (
         select ${CHANGEABLE}
         from jsonb_populate_record(null::network.token_issuer, $1::jsonb)),
       version = version + 1,
       update_time = $4::timestamptz
     where token_issuer_id = $2::text and version = $3::int8
     returning ${COLUMNS}`,
    [JSON.stringify(tokenIssuer), tokenIssuer.token_issuer_id, version, updateTime],
  );
  return rows[0];
}

/** Nobody but operators and services may ask; the condition holds if a scope slips. */
export async function selectTokenIssuer(
  db: Queryable,
  tokenIssuerId: string,
  viewer: Viewer,
): Promise<TokenIssuerRow | undefined> {
  const rows = await db.query<TokenIssuerRow>(
    `select ${COLUMNS}
     from network.token_issuer
     where $1::text = 'all' and token_issuer_id = $2::text`,
    [viewer.kind, tokenIssuerId],
    { tenant: viewer.setting },
  );
  return rows[0];
}

/** In order of token_issuer_id. */
export function selectTokenIssuers(
  db: Queryable,
  page: Page,
  viewer: Viewer,
): Promise<TokenIssuerRow[]> {
  return db.query<TokenIssuerRow>(
    `select ${COLUMNS}
     from network.token_issuer
     where $1::text = 'all' and token_issuer_id > $2::text
     order by token_issuer_id
     limit $3::int4`,
    [viewer.kind, page.after, rowLimit(page)],
    { tenant: viewer.setting },
  );
}
