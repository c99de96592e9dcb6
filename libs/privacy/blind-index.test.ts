import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { blindDigest, blindIndex, normalizePhone } from './index.ts';

describe('blindIndex', () => {
  const key = createSecretKey(randomBytes(32));
  const index = blindIndex(key);

  it('is HMAC-SHA-256, cut to 63 bits', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 48 }), (text) => {
        const digest = createHmac('sha256', key).update(text).digest();
        const low63 = digest.readBigUInt64BE(0) & 0x7fff_ffff_ffff_ffffn;
        expect(index(text)).toBe(low63);
      }),
    );
  });

  it('differs by key and by text, also when a short text follows a long one', () => {
    const texts = ['a', 'shop 13812345678', 'shop 13812345679', 'shopp 13812345678', ''];
    expect(new Set(texts.map(index)).size).toBe(texts.length);
    expect(blindIndex(createSecretKey(randomBytes(32)))('a')).not.toBe(index('a'));
  });

  it('refuses a text that it could hash in part only', () => {
    expect(() => index('字'.repeat(65))).toThrow(RangeError);
    expect(() => index('字'.repeat(650))).toThrow(RangeError);
    expect(() => index(`${'a'.repeat(191)}字`)).toThrow(RangeError);
    expect(() => index('a'.repeat(193))).toThrow(RangeError);
    index('a'.repeat(192));
  });
});

describe('blindDigest', () => {
  const key = createSecretKey(randomBytes(32));

  it('is HMAC-SHA-256 of domain and text, cut to 16 bytes, whatever the length', () => {
    const digest = blindDigest(key, 'address');
    for (const text of ['', '金蓬街100号', '字'.repeat(1_000)]) {
      const whole = createHmac('sha256', key).update(`address\0${text}`).digest();
      expect(digest(text)).toEqual(whole.subarray(0, 16));
    }
  });

  it('differs by key, by domain and by text', () => {
    const other = createSecretKey(randomBytes(32));
    const digests = [
      ...[blindDigest(key, 'a')('b'), blindDigest(key, 'a')('c'), blindDigest(key, 'b')('b')],
      ...[blindDigest(key, 'ab')(''), blindDigest(other, 'a')('b')],
    ];
    expect(new Set(digests.map((digest) => digest.toString('hex'))).size).toBe(digests.length);
  });
});

const writings: [string, string[]][] = [
  [
    '13812345678',
    ['13812345678', '138-1234-5678', '+8613812345678', '+86-138 1234 5678', '008613812345678'],
  ],
  ['13812345678', ['8613812345678', '１３８１２３４５６７８', '13812345678-1234']],
  ['057187654321', ['0571-87654321', '+86-571-87654321', '+86 571 8765 4321', '057187654321']],
  ['01012345678', ['010-12345678', '+86-10-12345678', '010-12345678-8001', '0086-10-12345678']],
  ['4008208820', ['400-820-8820', '4008208820', '+86-400-820-8820']],
  ['+85291234567', ['+85291234567', '+852-9123-4567']],
  ['87654321', ['87654321', '8765-4321']],
  ['95588', ['95588']],
];

describe('normalizePhone', () => {
  it.each(writings)('is %s for each of %j', (number, phones) => {
    expect(phones.map((phone) => normalizePhone(phone).number)).toEqual(phones.map(() => number));
  });

  it('keeps the extension apart', () => {
    expect(normalizePhone('13812345678-1234')).toEqual({
      number: '13812345678',
      extension: '1234',
    });
    expect(normalizePhone('010-12345678-8001').extension).toBe('8001');
    expect(normalizePhone('010-12345678').extension).toBe('');
  });

  it('is the same for a number that is normal already', () => {
    const anyPhone = fc.string({ unit: fc.constantFrom(...'0123456789+- '), maxLength: 24 });
    fc.assert(
      fc.property(anyPhone, (phone) => {
        const { number } = normalizePhone(phone);
        expect(number).toMatch(/^\+?\d*$/);
        // Numbers of China's code within China's code are no numbers.
        fc.pre(!/^(\+|00)?86/.test(number));
        expect(normalizePhone(number)).toEqual({ number, extension: '' });
      }),
      { numRuns: 2000 },
    );
  });
});
