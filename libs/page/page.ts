import { createHash } from 'node:crypto';
import { invalid, RpcError } from '#libs/errors';

const PAGE_SIZE_DEFAULT = 100;
const PAGE_SIZE_MAX = 1_000;

/** The page size to use: 0 means 100, over 1,000 is taken as 1,000, below 0 is an error. */
export function pageSizeOf(asked: number): number {
  if (asked < 0) throw invalid('page_size', 'OUT_OF_RANGE', { min: 0, max: PAGE_SIZE_MAX });
  return Math.min(asked || PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX);
}

/**
 * The token that opens the page after `key`. `binding` holds every other argument of the list: with
 * another one the token is refused.
 */
export function writePageToken(key: string[], binding: string[]): string {
  return Buffer.from(JSON.stringify([digest(binding), ...key])).toString('base64url');
}

/** The key in a token, undefined for an empty one; else PAGE_TOKEN_INVALID. */
export function readPageToken(token: string, binding: string[]): string[] | undefined {
  if (token === '') return undefined;
  const [bound, ...key] = decode(token);
  if (bound !== digest(binding)) throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  return key;
}

/**
 * The rows of a page, of which one more was asked for to tell whether there is another page, and
 * the token of the next one.
 */
export function cutPage<R>(
  { size, binding }: { size: number; binding: string[] },
  rows: R[],
  keyOf: (row: R) => string[],
): { rows: R[]; nextPageToken: string } {
  const cut = rows.slice(0, size);
  const last = cut.at(-1);
  if (rows.length <= size || last === undefined) return { rows: cut, nextPageToken: '' };
  return { rows: cut, nextPageToken: writePageToken(keyOf(last), binding) };
}

function decode(token: string): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (Array.isArray(parts) && parts.every(isKeyPart)) return parts;
  } catch {
    // Not one of ours: told below like any other foreign token.
  }
  throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
}

/** Postgres holds no text with a zero in it; a token with one was made by somebody else. */
function isKeyPart(part: unknown): part is string {
  return typeof part === 'string' && !part.includes('\0');
}

function digest(binding: string[]): string {
  return createHash('sha256').update(JSON.stringify(binding)).digest('base64url').slice(0, 12);
}
