import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The secret of an API key: `qq_`, an index of 8 characters that finds the row, `_`, and 32 random
 * bytes. The database holds the index and an HMAC. A slow password hash would add nothing: there
 * is no guessing 256 random bits, and the pepper makes a stolen database worthless by itself.
 */
export type NewSecret = { secret: string; keyIndex: string; secretHmac: Buffer };

export function makeSecret(pepper: Buffer): NewSecret {
  const keyIndex = base62(randomBytes(INDEX_LENGTH)).slice(-INDEX_LENGTH);
  const secret = `qq_${keyIndex}_${base62(randomBytes(SECRET_BYTES)).padStart(SECRET_LENGTH, '0')}`;
  return { secret, keyIndex, secretHmac: hmacOf(secret, pepper) };
}

/** The index in what a caller presents; undefined if it is no secret of ours. */
export function keyIndexOf(presented: string): string | undefined {
  return SECRET.exec(presented)?.[1];
}

/** Whether the HMAC was made from this secret, in a time that tells nothing of the answer. */
export function isSecretOf(presented: string, secretHmac: Buffer, pepper: Buffer): boolean {
  return timingSafeEqual(hmacOf(presented, pepper), secretHmac);
}

/** How people tell keys apart: as much of the secret as is stored anyway. */
export function keyPrefix(keyIndex: string): string {
  return `qq_${keyIndex}`;
}

function hmacOf(secret: string, pepper: Buffer): Buffer {
  return createHmac('sha256', pepper).update(secret).digest();
}

function base62(bytes: Buffer): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; rest > 0n; rest /= 62n) text = DIGITS.charAt(Number(rest % 62n)) + text;
  return text.padStart(INDEX_LENGTH, '0');
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const INDEX_LENGTH = 8;
const SECRET_BYTES = 32;
/** 62 to the power of 43 is the first above 2 to the power of 256. */
const SECRET_LENGTH = 43;
const SECRET = /^qq_([0-9A-Za-z]{8})_[0-9A-Za-z]{43}$/;
