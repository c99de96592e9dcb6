import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serviceToken, verifyServiceToken } from './index.ts';
import { serviceTokens } from './service-token.ts';

const SECRET = 'a secret that only the tests know';
const NOW = new Date('2026-11-22T08:00:00Z');

function later(seconds: number): Date {
  return new Date(NOW.getTime() + seconds * 1000);
}

describe('a service token', () => {
  const token = serviceToken(SECRET, 'waybill', NOW);

  it('proves the name of a service', () => {
    expect(verifyServiceToken(SECRET, token, NOW)).toMatchObject({
      kind: 'service',
      id: 'waybill',
    });
  });

  it('is good for five minutes', () => {
    expect(verifyServiceToken(SECRET, token, later(299)).id).toBe('waybill');
    expect(() => verifyServiceToken(SECRET, token, later(300))).toThrow(
      /unknown, revoked or expired/,
    );
  });

  it('is refused when one character is another, or its secret is', async () => {
    const position = fc.integer({ min: 0, max: token.length - 1 });
    const character = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.');
    await fc.assert(
      fc.property(position, character, (at, changed) => {
        const forged = token.slice(0, at) + changed + token.slice(at + 1);
        fc.pre(forged !== token);
        // The last character has four bits that mean nothing.
        fc.pre(at < token.length - 1);
        expect(() => verifyServiceToken(SECRET, forged, NOW)).toThrow(/unknown, revoked/);
      }),
    );
    expect(() => verifyServiceToken(`${SECRET}!`, token, NOW)).toThrow(/unknown, revoked/);
  });

  it('is refused in any other shape', () => {
    for (const wrong of ['', 'svc.', 'svc.waybill', `${token}x`, `${token}.`, token.slice(4)]) {
      expect(() => verifyServiceToken(SECRET, wrong, NOW), wrong).toThrow(/unknown, revoked/);
    }
  });

  it('is made from no secret that could be guessed', () => {
    expect(() => serviceToken('short', 'waybill', NOW)).toThrow('at least 16 bytes');
    expect(() => verifyServiceToken(new Uint8Array(3), token, NOW)).toThrow('at least 16 bytes');
  });

  it('is used again while it lasts, and made anew a minute before it ends', () => {
    let now = NOW;
    const next = serviceTokens(SECRET, 'waybill', () => now);
    const first = next();
    now = later(239);
    expect(next()).toBe(first);
    now = later(240);
    const second = next();
    expect(second).not.toBe(first);
    expect(verifyServiceToken(SECRET, second, later(539)).id).toBe('waybill');
  });
});
