import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { TokenIssuer_State, TokenIssuerSchema } from '#proto/queqiao/network/v1/token_issuer';
import { issuersOf, isToken, verifyToken } from './token.ts';

const NOW = new Date('2026-01-02T03:04:05Z');
const NOW_S = NOW.getTime() / 1000;
const ED25519 = generateKeyPairSync('ed25519');
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const STRANGER = generateKeyPairSync('ed25519');
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = ED25519.publicKey.export({ format: 'pem', type: 'spki' }) as string;
const X = Buffer.from(ED25519.publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');

const SHOP = issuer('shop-idp', 'shop');
const OTHER = issuer('other-idp', 'other');
const issuers = issuersOf([SHOP, OTHER]);

function issuer(tokenIssuerId: string, id: string, state: State = TokenIssuer_State.ACTIVE) {
  const keys = [
    { ...ED25519.publicKey.export({ format: 'jwk' }), kid: 'ed' },
    { ...P256.publicKey.export({ format: 'jwk' }), kid: 'ec' },
  ];
  return create(TokenIssuerSchema, {
    tokenIssuerId,
    issuer: `https://id.example/${tokenIssuerId}`,
    audience: 'queqiao',
    jwks: JSON.stringify({ keys }),
    subject: { kind: Subject_Kind.MERCHANT, id },
    scopes: ['waybill.issue', 'waybill.read'],
    state,
    allowedCidrs: ['10.0.0.0/8'],
    limits: { callsPerS: 7 },
  });
}

const CLAIMS = {
  iss: SHOP.issuer,
  aud: 'queqiao',
  sub: 'warehouse-3',
  tid: 'shop',
  scope: 'waybill.issue',
  exp: NOW_S + 300,
};

/** undefined leaves one out. */
type Claims = Record<string, unknown>;
type State = TokenIssuer_State;
type Signing = { header?: object; key?: KeyObject | Uint8Array };

function sign(change: Claims = {}, { header = {}, key }: Signing = {}): Promise<string> {
  const protectedHeader = { alg: 'EdDSA', kid: 'ed', ...header };
  const claims = Object.entries({ ...CLAIMS, ...change }).filter(
    ([, value]) => value !== undefined,
  );
  return new SignJWT(Object.fromEntries(claims))
    .setProtectedHeader(protectedHeader)
    .sign(key ?? ED25519.privateKey);
}

/** Put together by hand, for what a library refuses to make. */
function forge(header: object, mac?: Buffer | string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part(header)}.${part(CLAIMS)}`;
  if (mac === undefined) return `${text}.`;
  return `${text}.${createHmac('sha256', mac).update(text).digest('base64url')}`;
}

async function problemOf(token: string | Promise<string>, known = issuers): Promise<string> {
  try {
    await verifyToken(await token, { issuers: known, now: NOW });
  } catch (error) {
    if (!(error instanceof RpcError) || error.reason !== 'TOKEN_INVALID') throw error;
    return error.metadata['problem'] ?? '';
  }
  return 'none';
}

describe('a token', () => {
  it.each([
    ['EdDSA', 'ed', ED25519.privateKey],
    ['ES256', 'ec', P256.privateKey],
  ])('speaks for its issuer’s subject by %s', async (alg, kid, key) => {
    const token = await sign({}, { header: { alg, kid }, key });
    expect(isToken(token)).toBe(true);
    const identity = await verifyToken(token, { issuers, now: NOW });
    expect(identity).toMatchObject({
      kind: 'merchant',
      id: 'shop',
      keyId: 'shop-idp/warehouse-3',
      scopes: new Set(['waybill.issue']),
      expireTime: new Date((NOW_S + 330) * 1000),
      limits: { callsPerS: 7 },
      quotaId: 'issuer/shop-idp',
    });
    expect(identity.addresses?.check('10.1.2.3')).toBe(true);
  });

  it('stands a clock that is half a minute off', async () => {
    for (const claims of [{ exp: NOW_S - 29 }, { nbf: NOW_S + 29 }, { iat: NOW_S + 29 }]) {
      expect(await problemOf(sign(claims))).toBe('none');
    }
    expect(await problemOf(sign({ exp: NOW_S + 600, aud: ['else', 'queqiao'] }))).toBe('none');
  });

  it.each<[string, Claims, string]>([
    ['expired', { exp: NOW_S - 31 }, 'exp'],
    ['good for too long', { exp: NOW_S + 631 }, 'exp too far ahead'],
    ['without an end', { exp: undefined }, 'exp'],
    ['not good yet', { nbf: NOW_S + 31 }, 'nbf'],
    ['made in the future', { iat: NOW_S + 31 }, 'iat ahead'],
    ['for somebody else', { aud: 'elsewhere' }, 'aud'],
    ['for nobody', { aud: undefined }, 'aud'],
    ['of nobody known', { iss: 'https://evil.example' }, 'issuer or key'],
    ['of nobody', { iss: undefined }, 'issuer or key'],
    ['of another tenant', { tid: 'other' }, 'tid'],
    ['of no tenant', { tid: undefined }, 'tid'],
    ['of a list of tenants', { tid: ['shop', 'other'] }, 'tid'],
    ['without a bearer', { sub: undefined }, 'sub'],
    ['with a bearer that breaks a line', { sub: 'a\nb' }, 'sub'],
    ['beyond its issuer’s scopes', { scope: 'waybill.issue waybill.cancel' }, 'scope'],
    ['beyond any tenant’s scopes', { scope: 'network.write' }, 'scope'],
    ['without scopes', { scope: '' }, 'scope'],
    ['with scopes of another form', { scope: ['waybill.issue'] }, 'scope'],
  ])('is refused that is %s', async (_, claims, problem) => {
    expect(await problemOf(sign(claims))).toBe(problem);
  });

  it.each<[string, () => string | Promise<string>]>([
    ['alg none', () => forge({ alg: 'none', kid: 'ed' })],
    ['HS256 with the public key as its secret', () => forge({ alg: 'HS256', kid: 'ed' }, PEM)],
    ['HS256 with the raw public key', () => forge({ alg: 'HS256', kid: 'ed' }, X)],
    ['EdDSA that is an HMAC', () => forge({ alg: 'EdDSA', kid: 'ed' }, X)],
    ['RS256', () => sign({}, { header: { alg: 'RS256' }, key: RSA.privateKey })],
    ['a key that is not known', () => sign({}, { header: { kid: 'new' } })],
    ['no name of a key', () => sign({}, { header: { kid: undefined } })],
    ['a stranger’s key under a known name', () => sign({}, { key: STRANGER.privateKey })],
    [
      'a key that it brings along',
      () => {
        const jwk = STRANGER.publicKey.export({ format: 'jwk' });
        return sign({}, { header: { jwk, kid: 'new' }, key: STRANGER.privateKey });
      },
    ],
    ['an extension that must be understood', () => forge({ alg: 'EdDSA', kid: 'ed', crit: ['x'] })],
    ['changed claims', async () => tampered(await sign())],
    ['a signature that is cut short', async () => (await sign()).slice(0, -8)],
  ])('is refused with %s, which tells nothing more', async (_, token) => {
    expect(await problemOf(token())).toBe('issuer or key');
  });

  it('is refused that is none', async () => {
    for (const text of ['ey.a.b', 'eyJ9.e30.', 'eyJhbGciOiJFZERTQSJ9.bm9qc29u.AA']) {
      expect(await problemOf(text)).toMatch(/not a token|issuer or key/);
    }
    expect(isToken('qq_01234567_abc')).toBe(false);
  });

  it('is refused once its issuer is disabled', async () => {
    const disabled = issuersOf([issuer('shop-idp', 'shop', TokenIssuer_State.DISABLED)]);
    expect(await problemOf(sign(), disabled)).toBe('issuer or key');
  });

  it('speaks for nobody but the subject of the issuer that it names', async () => {
    // Both issuers use one key pair: the claims alone tell them apart.
    expect(await problemOf(sign({ iss: OTHER.issuer }))).toBe('tid');
    const identity = await verifyToken(await sign({ iss: OTHER.issuer, tid: 'other' }), {
      issuers,
      now: NOW,
    });
    expect(identity.id).toBe('other');
  });
});

function tampered(token: string): string {
  const [header, , signature] = token.split('.');
  const claims = Buffer.from(JSON.stringify({ ...CLAIMS, tid: 'other' })).toString('base64url');
  return `${header}.${claims}.${signature}`;
}
