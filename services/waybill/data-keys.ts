import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from '#libs/db';
import { blindDigest, blindIndex, type Keyring, newDataKey, type WrappedKey } from '#libs/privacy';
import { type Clock, crashpoint } from '#libs/run';
import * as store from './store/data-key.ts';

/** How long an erasure may go unnoticed by the calls that only compare a repeat. */
const CHECK_MS = 1_000;
const HOUR_MS = 3_600_000;

/**
 * The keys that seal consignees: one for each merchant and month (UTC), made when first needed,
 * kept wrapped by a master key. Open keys stay in memory for an hour at most, so that a key
 * service is not asked for every row; whether a key was destroyed is asked of the database.
 */
export class DataKeys {
  readonly #deps: DataKeysDeps;
  readonly #current = new LRUCache<string, Promise<SealingKey>>({ max: 10_000, ttl: HOUR_MS });
  readonly #open = new LRUCache<string, Promise<KeyObject>>({ max: 10_000, ttl: HOUR_MS });
  readonly #there = new LRUCache<string, Promise<store.DataKeyRow | undefined>>({
    max: 10_000,
    ttl: CHECK_MS,
  });
  readonly #phone = new LRUCache<'phone', Promise<PhoneHash>>({ max: 1, ttl: HOUR_MS });
  readonly #address = new LRUCache<'address', Promise<AddressHashes>>({ max: 1, ttl: HOUR_MS });

  constructor(deps: DataKeysDeps) {
    this.#deps = deps;
  }

  /** The key for what a merchant sends now, with what finds its phones again. */
  current(merchantId: string): Promise<SealingKey> {
    const month = `${this.#deps.now().toISOString().slice(0, 7)}-01`;
    return remember(this.#current, `${merchantId} ${month}`, async () => ({
      ...(await this.#loadOrMake(merchantId, month)),
      phoneIndexOf: await this.phoneIndex(merchantId),
    }));
  }

  /**
   * The key that a row was sealed with; undefined at most a second after it was destroyed, or at
   * once if it is asked for afresh, as who seals by it must.
   */
  async byId(
    merchantId: string,
    dataKeyId: string,
    { afresh = false } = {},
  ): Promise<DataKey | undefined> {
    const cacheKey = `${merchantId} ${dataKeyId}`;
    if (afresh) this.#there.delete(cacheKey);
    const row = await remember(this.#there, cacheKey, () =>
      store.selectDataKeyById(this.#deps.pool, merchantId, dataKeyId),
    );
    if (row !== undefined) return await this.#unwrap(row);
    this.#open.delete(dataKeyId);
    return undefined;
  }

  /** The look-up value of a normal phone number among those of a merchant. */
  async phoneIndex(merchantId: string): Promise<PhoneHash> {
    const hash = await remember(this.#phone, 'phone', async () =>
      blindIndex(await this.#indexKey('phone')),
    );
    return (number) => hash(`${merchantId} ${number}`);
  }

  /** By which fixes of deliveries are kept. */
  addressHashes(): Promise<AddressHashes> {
    return remember(this.#address, 'address', async () =>
      addressHashesOf(await this.#indexKey('address')),
    );
  }

  /** The same for who only reads: undefined, and nothing is made, as long as no fix was kept. */
  async knownAddressHashes(): Promise<AddressHashes | undefined> {
    const isThere =
      this.#address.has('address') ||
      (await store.selectIndexKey(this.#deps.pool, 'address')) !== undefined;
    return isThere ? await this.addressHashes() : undefined;
  }

  /** The key of a look-up hash, made when first needed. */
  async #indexKey(name: store.IndexName): Promise<KeyObject> {
    const { pool, keyring, now } = this.#deps;
    const row =
      (await store.selectIndexKey(pool, name)) ??
      (await store.insertIndexKey(pool, name, {
        ...(await newDataKey(keyring)),
        createTime: now(),
      }));
    return await keyring.unwrap(wrappedOf(row));
  }

  async #loadOrMake(merchantId: string, month: string): Promise<DataKey> {
    const { pool, keyring, now } = this.#deps;
    let row = await store.selectDataKey(pool, merchantId, month);
    if (row === undefined) {
      const key = await newDataKey(keyring);
      await store.insertDataKey(pool, { ...key, merchantId, month, createTime: now() });
      crashpoint('after_data_key_before_use');
      // Another process may have been first; its key is the one that counts.
      row = await store.selectDataKey(pool, merchantId, month);
    }
    if (row === undefined) throw new Error(`data key of ${merchantId} ${month} is gone`);
    return this.#unwrap(row);
  }

  async #unwrap(row: store.DataKeyRow): Promise<DataKey> {
    const { keyring } = this.#deps;
    const key = await remember(this.#open, row.data_key_id, () => keyring.unwrap(wrappedOf(row)));
    return { dataKeyId: BigInt(row.data_key_id), key };
  }
}

function addressHashesOf(key: KeyObject): AddressHashes {
  return { keyOf: blindDigest(key, 'address'), fixIdOf: blindDigest(key, 'waybill') };
}

function wrappedOf({ master_key_id, wrapped }: store.WrappedKeyRow): WrappedKey {
  return { masterKeyId: master_key_id, wrapped };
}

function remember<Key extends string, T>(
  cache: LRUCache<Key, Promise<T>>,
  key: Key,
  load: () => Promise<T>,
): Promise<T> {
  const known = cache.get(key);
  if (known !== undefined) return known;
  const loading = load();
  cache.set(key, loading);
  loading.catch(() => cache.delete(key));
  return loading;
}

export type DataKey = { dataKeyId: bigint; key: KeyObject };
export type PhoneHash = (normalNumber: string) => bigint;
export type AddressHashes = {
  /** Of a key of libs/address. */
  keyOf: (key: string) => Buffer;
  fixIdOf: (waybillNumber: string) => Buffer;
};
export type SealingKey = DataKey & { phoneIndexOf: PhoneHash };
export type DataKeysDeps = { pool: Pool; keyring: Keyring; now: Clock };
