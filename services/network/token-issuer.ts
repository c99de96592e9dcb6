import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { invalid } from '#libs/errors';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { type TokenIssuer, TokenIssuerSchema } from '#proto/queqiao/network/v1/token_issuer';
import { parseReach, parseScopes, type Reach, reachOf } from './api-key.ts';
import { match, present, slug, word } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of a token issuer, valid and named as the columns are. */
export type TokenIssuerDraft = {
  token_issuer_id: string;
  issuer: string;
  audience: string;
  jwks: string;
  subject_kind: keyof typeof SUBJECT_KINDS;
  subject_id: string;
  scopes: string[];
  state: State;
} & Reach;

export type TokenIssuerRow = TokenIssuerDraft & Versioned;

export const TOKEN_ISSUER_FIXED = [
  'issuer',
  'subject_kind',
  'subject_id',
] as const satisfies (keyof TokenIssuerDraft)[];

export function parseNewTokenIssuer(tokenIssuer: TokenIssuer | undefined): TokenIssuerDraft {
  return parse(tokenIssuer, newState);
}

export function parseTokenIssuer(tokenIssuer: TokenIssuer | undefined): TokenIssuerDraft {
  return parse(tokenIssuer, state);
}

function parse(tokenIssuer: TokenIssuer | undefined, stateOf: typeof state): TokenIssuerDraft {
  const given = present('token_issuer', tokenIssuer);
  const subject = present('token_issuer.subject', given.subject);
  const kind = word('token_issuer.subject.kind', subject.kind, SUBJECT_KINDS);
  return {
    token_issuer_id: slug('token_issuer.token_issuer_id', given.tokenIssuerId),
    issuer: match('token_issuer.issuer', given.issuer, CLAIM, 'TOKEN_TEXT'),
    audience: match('token_issuer.audience', given.audience, CLAIM, 'TOKEN_TEXT'),
    jwks: parseJwks('token_issuer.jwks', given.jwks),
    subject_kind: kind,
    subject_id: slug('token_issuer.subject.id', subject.id),
    scopes: parseScopes('token_issuer.scopes', given.scopes, kind),
    state: stateOf('token_issuer.state', given.state),
    ...parseReach('token_issuer', given),
  };
}

/** A set of public keys that can be used as they are; else it would show at the first call. */
function parseJwks(field: string, text: string): string {
  if (text === '') throw invalid(field, 'REQUIRED');
  if (text.length > JWKS_MAX) throw invalid(field, 'TOO_LONG', { max: JWKS_MAX });
  try {
    const { keys } = JSON.parse(text) as { keys: JsonWebKey[] };
    const kids = new Set(keys.map(({ kid }) => kid));
    const isSound = keys.length >= 1 && keys.length <= KEYS_MAX && kids.size === keys.length;
    if (isSound && keys.every(isPublicKey)) return text;
  } catch {
    // Not JSON, or not of this shape.
  }
  throw invalid(field, 'JWKS');
}

function isPublicKey(key: JsonWebKey): boolean {
  const { kty, crv, kid } = key;
  if (!KEY_TYPES.has(`${kty} ${crv}`) || key.d !== undefined) return false;
  if (typeof kid !== 'string' || !CLAIM.test(kid)) return false;
  return createPublicKey({ key, format: 'jwk' }).type === 'public';
}

export function tokenIssuerToMessage(row: TokenIssuerRow): TokenIssuer {
  return create(TokenIssuerSchema, {
    tokenIssuerId: row.token_issuer_id,
    issuer: row.issuer,
    audience: row.audience,
    jwks: row.jwks,
    subject: { kind: SUBJECT_KINDS[row.subject_kind], id: row.subject_id },
    scopes: row.scopes,
    state: STATES[row.state],
    ...reachOf(row),
    ...history(row.token_issuer_id, row),
  });
}

/** For whom others may sign: never for an operator. */
const SUBJECT_KINDS = { merchant: Subject_Kind.MERCHANT, courier: Subject_Kind.COURIER } as const;
/** The algorithms EdDSA and ES256 are good for these alone. */
const KEY_TYPES = new Set(['OKP Ed25519', 'EC P-256']);
const CLAIM = /^[!-~]{1,256}$/;
const JWKS_MAX = 16_384;
const KEYS_MAX = 16;
