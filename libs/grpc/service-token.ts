import { createHmac, timingSafeEqual } from 'node:crypto';
import { RpcError } from '#libs/errors';
import type { Clock } from '#libs/run';
import type { Identity } from './identity.ts';
import { KIND_SCOPES } from './scopes.ts';

export const SERVICE_TOKEN_PREFIX = 'svc.';
/** What a service shows that proves itself by its certificate. */
export const SERVICE_BY_CERTIFICATE = `${SERVICE_TOKEN_PREFIX}certificate`;
/** Short, because a token that leaks cannot be taken back. */
const LIFE_MS = 5 * 60_000;
const RENEW_BEFORE_MS = 60_000;
const SHAPE = /^svc\.([a-z][a-z0-9-]{1,31})\.(\d{1,12})\.([\w-]{43})$/;

/**
 * Proof that the bearer is the named service, `svc.<name>.<expiry in s>.<mac>`, good for five
 * minutes. Whoever has `secret` can be any service.
 */
export function serviceToken(secret: Secret, serviceName: string, now: Date): string {
  const expiryS = Math.floor((now.getTime() + LIFE_MS) / 1000);
  const token = `${SERVICE_TOKEN_PREFIX}${serviceName}.${expiryS}`;
  return `${token}.${mac(secret, token).toString('base64url')}`;
}

/** The service that a token proves; API_KEY_INVALID if it is forged or too old. */
export function verifyServiceToken(secret: Secret, token: string, now: Date): Identity {
  const [, name = '', expiryS = '', given = ''] = SHAPE.exec(token) ?? [];
  const wanted = mac(secret, `${SERVICE_TOKEN_PREFIX}${name}.${expiryS}`);
  const isGenuine = timingSafeEqual(wanted, padded(given, wanted.length));
  if (!isGenuine || Number(expiryS) * 1000 <= now.getTime()) throw new RpcError('API_KEY_INVALID');
  return { kind: 'service', id: name, scopes: KIND_SCOPES.service, keyId: 'service-token' };
}

/** A function that answers a token with at least a minute to live, the same one while it lasts. */
export function serviceTokens(secret: Secret, serviceName: string, now: Clock): () => string {
  let token = '';
  let renewMs = 0;
  return () => {
    const nowMs = now().getTime();
    if (nowMs >= renewMs) {
      token = serviceToken(secret, serviceName, now());
      renewMs = nowMs + LIFE_MS - RENEW_BEFORE_MS;
    }
    return token;
  };
}

function mac(secret: Secret, text: string): Buffer {
  if (secret.length < 16) throw new Error('the service secret must have at least 16 bytes');
  return createHmac('sha256', secret).update(text).digest();
}

/** At least 16 bytes, the same for all services of one installation. */
export type Secret = string | Uint8Array;

function padded(text: string, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  Buffer.from(text, 'base64url').copy(bytes);
  return bytes;
}
