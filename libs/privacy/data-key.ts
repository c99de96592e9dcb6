import { generateKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { Keyring, WrappedKey } from './keyring.ts';

const generate = promisify(generateKey);

/** A fresh key for `seal` or `blindIndex`, and the same key as it is to be stored. */
export async function newDataKey(keyring: Keyring): Promise<NewDataKey> {
  const key = await generate('aes', { length: 256 });
  return { key, ...(await keyring.wrap(key)) };
}

export type NewDataKey = WrappedKey & { key: KeyObject };
