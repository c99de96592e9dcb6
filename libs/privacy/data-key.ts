import { generateKey, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import type { MasterKey } from './master-key.ts';

const generate = promisify(generateKey);

/** A fresh key for `seal`, and the same key wrapped by the master key, which is what to store. */
export async function newDataKey(masterKey: MasterKey): Promise<NewDataKey> {
  const key = await generate('aes', { length: 256 });
  return { key, wrapped: await masterKey.wrap(key) };
}

export type NewDataKey = { key: KeyObject; wrapped: Uint8Array };
