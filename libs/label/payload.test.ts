import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LabelKeys, LabelSigner } from './keys.ts';
import { newNonce, signLabel, verifyLabel } from './payload.ts';

const signer = new LabelSigner(Buffer.alloc(32, 1));
const keys = new LabelKeys([signer.publicJwk]);
const print = {
  nonce: Buffer.from('0011223344556677', 'hex'),
  issueTime: new Date(1_790_000_000_000),
};
const numbers = fc.stringMatching(/^[A-Z0-9]{5,32}$/);

describe('a signed label', () => {
  test('says its number, when and as which print, to whoever has the list of keys', () => {
    const list = LabelKeys.parse(JSON.stringify({ keys: [signer.publicJwk, { kty: 'RSA' }] }));
    expect(verifyLabel(signLabel('773212345678901', signer, print), list)).toEqual({
      isValid: true,
      keyId: signer.keyId,
      waybillNumber: '773212345678901',
      issueTime: print.issueTime,
      nonce: '0011223344556677',
    });
  });

  test('verifies for every number, and fits the QR code', () => {
    fc.assert(
      fc.property(numbers, (number) => {
        const payload = signLabel(number, signer, { nonce: newNonce(), issueTime: new Date() });
        // QR version 8-M holds 152 bytes.
        expect(payload.length).toBeLessThanOrEqual(152);
        expect(verifyLabel(payload, keys)).toMatchObject({ isValid: true, waybillNumber: number });
      }),
    );
  });

  test('does not verify once any bit of it is another', () => {
    const payload = signLabel('LQ1234567', signer, print);
    const bytes = Buffer.from(payload, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(verifyLabel(changed.toString('base64url'), keys).isValid).toBe(false);
    }
  });

  test('is refused in another writing of the same bytes', () => {
    const payload = signLabel('LQ1234567', signer, print);
    // The last letter holds bits that the bytes have no use for.
    const last = payload.at(-1) ?? '';
    const others = ['A', 'B', 'C', 'D', 'E', '_', 'g', 'w'].filter((each) => each !== last);
    for (const other of others) {
      expect(verifyLabel(payload.slice(0, -1) + other, keys).isValid).toBe(false);
    }
    for (const text of ['', ' ', `${payload}=`, `${payload}\n`, payload.slice(0, 60), '鹊桥']) {
      expect(verifyLabel(text, keys)).toEqual({ isValid: false, reason: 'malformed' });
    }
  });

  test('is refused when its key is not in the list, or took the name of one that is', () => {
    const stranger = new LabelSigner(Buffer.alloc(32, 2));
    const foreign = signLabel('LQ1234567', stranger, print);
    expect(verifyLabel(foreign, keys)).toEqual({
      isValid: false,
      reason: 'unknown_key',
      keyId: stranger.keyId,
    });
    const posing = { ...stranger, keyId: signer.keyId } as LabelSigner;
    expect(verifyLabel(signLabel('LQ1234567', posing, print), keys)).toMatchObject({
      reason: 'forged',
    });
    const newer = Buffer.from(foreign, 'base64url');
    newer[0] = 2;
    expect(verifyLabel(newer.toString('base64url'), keys)).toMatchObject({
      reason: 'unknown_version',
    });
  });

  test('is not made for what is no waybill number', () => {
    for (const number of ['', 'abcde', '1234', '7'.repeat(33), '灵鹊12345']) {
      expect(() => signLabel(number, signer, print)).toThrow(RangeError);
    }
  });

  test('needs a list in which each key has its own id', () => {
    expect(() => new LabelKeys([{ ...signer.publicJwk, kid: '00000000' }])).toThrow(/not the id/);
    expect(() => LabelKeys.parse('[]')).toThrow(/"keys"/);
    expect(() => new LabelSigner(Buffer.alloc(31))).toThrow(/32 bytes/);
  });
});
