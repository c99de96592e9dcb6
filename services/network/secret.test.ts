import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSecretOf, keyIndexOf, keyPrefix, makeSecret } from './secret.ts';

const PEPPER = Buffer.from('pepper');

test('a secret names its index and is known by its HMAC alone', () => {
  const { secret, keyIndex, secretHmac } = makeSecret(PEPPER);
  expect(secret).toMatch(/^qq_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}$/);
  expect(keyIndexOf(secret)).toBe(keyIndex);
  expect(secret.startsWith(`${keyPrefix(keyIndex)}_`)).toBe(true);
  expect(secretHmac).toHaveLength(32);
  expect(isSecretOf(secret, secretHmac, PEPPER)).toBe(true);
  expect(isSecretOf(secret, secretHmac, Buffer.from('other'))).toBe(false);
});

test('no other secret passes, however alike', () => {
  const { secret, secretHmac } = makeSecret(PEPPER);
  fc.assert(
    fc.property(fc.nat(secret.length - 1), fc.constantFrom('0', 'z', '_', ''), (at, other) => {
      const altered = secret.slice(0, at) + other + secret.slice(at + 1);
      expect(isSecretOf(altered, secretHmac, PEPPER)).toBe(altered === secret);
    }),
  );
});

test('secrets do not repeat', () => {
  const secrets = Array.from({ length: 1_000 }, () => makeSecret(PEPPER).secret);
  expect(new Set(secrets).size).toBe(1_000);
  expect(new Set(secrets.map(keyIndexOf)).size).toBe(1_000);
});

test('finds no index in what is no secret', () => {
  const { secret } = makeSecret(PEPPER);
  for (const text of ['', 'qq_', `${secret}0`, ` ${secret}`, secret.slice(1), `${secret}\n`]) {
    expect(keyIndexOf(text)).toBeUndefined();
  }
});
