import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { RpcError } from '#libs/errors';
import { addressesIn, type Identity, KIND_SCOPES } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { type TokenIssuer, TokenIssuer_State } from '#proto/queqiao/network/v1/token_issuer';
import type { KnownIdentity } from './identity.ts';

/** By the claim `iss`. */
export type Issuers = ReadonlyMap<string, Issuer>;

export function issuersOf(resources: readonly TokenIssuer[]): Issuers {
  return new Map(resources.map((resource) => [resource.issuer, toIssuer(resource)]));
}

/** Whether a bearer shows a JWT, not an API key. */
export function isToken(secret: string): boolean {
  return SHAPE.test(secret);
}

/**
 * Whom a token speaks for, by keys that were registered beforehand: nothing is fetched. Throws
 * TOKEN_INVALID, which says what is wrong only to a bearer whose signature is good: until then it
 * may be anybody.
 */
export async function verifyToken(
  token: string,
  { issuers, now }: { issuers: Issuers; now: Date },
): Promise<KnownIdentity> {
  const issuer = issuerOf(token, issuers);
  const claims = await verified(token, issuer, now);
  const nowS = now.getTime() / 1000;
  const { exp = 0, iat = 0, sub = '' } = claims;
  const { tid, scope } = claims;
  if (exp > nowS + LIFE_MAX_S + TOLERANCE_S) throw refused('exp too far ahead');
  if (iat > nowS + TOLERANCE_S) throw refused('iat ahead');
  if (!SUBJECT.test(sub)) throw refused('sub');
  if (tid !== issuer.resource.subject?.id) throw refused('tid');
  return {
    kind: issuer.kind,
    id: issuer.resource.subject?.id ?? '',
    scopes: scopesOf(scope, issuer),
    keyId: `${issuer.resource.tokenIssuerId}/${sub}`,
    expireTime: new Date((exp + TOLERANCE_S) * 1000),
    addresses: issuer.addresses,
    limits: issuer.resource.limits,
    quotaId: `issuer/${issuer.resource.tokenIssuerId}`,
  };
}

/** A token that was good once and is remembered. */
export function expiredToken(): RpcError {
  return refused('exp');
}

/** Whose keys to try: the token says it itself, and the signature proves it. */
function issuerOf(token: string, issuers: Issuers): Issuer {
  let iss: string | undefined;
  let kid: string | undefined;
  try {
    iss = decodeJwt(token).iss;
    kid = decodeProtectedHeader(token).kid;
  } catch {
    throw refused('not a token');
  }
  const issuer = issuers.get(iss ?? '');
  // With one key in the set, the library would take a token that names none.
  if (issuer === undefined || typeof kid !== 'string') throw refused('issuer or key');
  return issuer;
}

async function verified(token: string, issuer: Issuer, now: Date): Promise<JWTPayload> {
  const { resource, keys } = issuer;
  try {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ['EdDSA', 'ES256'],
      issuer: resource.issuer,
      audience: resource.audience,
      requiredClaims: ['exp', 'sub', 'tid', 'scope'],
      clockTolerance: TOLERANCE_S,
      currentDate: now,
    });
    return payload;
  } catch (error) {
    // Thrown only after the signature was found good.
    const isClaim =
      error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired;
    throw refused(isClaim ? error.claim : 'issuer or key');
  }
}

/** What the token asks for, all of which its issuer must be allowed to give. */
function scopesOf(scope: unknown, { resource, kind }: Issuer): Identity['scopes'] {
  if (typeof scope !== 'string' || scope === '') throw refused('scope');
  const scopes = new Set(scope.split(' '));
  for (const each of scopes) {
    if (!resource.scopes.includes(each) || !KIND_SCOPES[kind].has(each)) throw refused('scope');
  }
  return scopes;
}

function toIssuer(resource: TokenIssuer): Issuer {
  const isActive = resource.state === TokenIssuer_State.ACTIVE;
  // One that is disabled keeps its place and has no keys.
  const jwks: JSONWebKeySet = isActive ? JSON.parse(resource.jwks) : { keys: [] };
  return {
    resource,
    keys: createLocalJWKSet(jwks),
    kind: resource.subject?.kind === Subject_Kind.COURIER ? 'courier' : 'merchant',
    addresses: addressesIn(resource.allowedCidrs),
  };
}

function refused(problem: string): RpcError {
  return new RpcError('TOKEN_INVALID', { metadata: { problem } });
}

const SHAPE = /^ey[\w-]+\.[\w-]+\.[\w-]*$/;
const SUBJECT = /^[!-~]{1,64}$/;
const LIFE_MAX_S = 600;
const TOLERANCE_S = 30;

type Issuer = {
  resource: TokenIssuer;
  keys: ReturnType<typeof createLocalJWKSet>;
  kind: 'merchant' | 'courier';
  addresses: ReturnType<typeof addressesIn>;
};
