import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { pageSizeOf, readPageToken, writePageToken } from './page.ts';

const texts = fc.array(fc.string(), { maxLength: 4 });

describe('page', () => {
  it('has 100 entries by default, 1,000 at most, and never fewer than none', () => {
    expect(pageSizeOf(0)).toBe(100);
    expect(pageSizeOf(7)).toBe(7);
    expect(pageSizeOf(5_000)).toBe(1_000);
    expect(() => pageSizeOf(-1)).toThrow(RpcError);
  });

  it('token gives its key back to the same arguments and to no others', () => {
    fc.assert(
      fc.property(texts, texts, texts, (key, binding, other) => {
        const token = writePageToken(key, binding);
        expect(readPageToken(token, binding)).toEqual(key);
        fc.pre(JSON.stringify(binding) !== JSON.stringify(other));
        expect(() => readPageToken(token, other)).toThrow(
          expect.objectContaining({ reason: 'PAGE_TOKEN_INVALID' }),
        );
      }),
    );
  });

  it('refuses a token whose key the database could not hold', () => {
    const token = writePageToken(['a\0'], []);
    expect(() => readPageToken(token, [])).toThrow(
      expect.objectContaining({ reason: 'PAGE_TOKEN_INVALID' }),
    );
  });

  it.each(['x', 'bm90IGpzb24', 'eyJhIjoxfQ', 'WzEsMl0'])(
    'refuses the foreign token %s',
    (token) => {
      expect(() => readPageToken(token, [])).toThrow(
        expect.objectContaining({ reason: 'PAGE_TOKEN_INVALID' }),
      );
    },
  );
});
