import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Pool } from '#libs/db';
import { type MasterKey, newDataKey } from '#libs/privacy';
import type { Clock } from '#libs/run';
import * as store from './store/data-key.ts';

/**
 * The keys that seal consignees: one for each merchant and month (UTC), made when first needed,
 * kept wrapped by the master key. Open keys stay in memory for an hour at most.
 */
export class DataKeys {
  readonly #deps: DataKeysDeps;
  readonly #current = new LRUCache<string, Promise<DataKey>>({ max: 10_000, ttl: 3_600_000 });
  readonly #byId = new LRUCache<string, Promise<DataKey | undefined>>({
    max: 10_000,
    ttl: 3_600_000,
  });

  constructor(deps: DataKeysDeps) {
    this.#deps = deps;
  }

  /** The key for what a merchant sends now. */
  current(merchantId: string): Promise<DataKey> {
    const month = `${this.#deps.now().toISOString().slice(0, 7)}-01`;
    const cacheKey = `${merchantId} ${month}`;
    return remember(this.#current, cacheKey, () => this.#loadOrMake(merchantId, month));
  }

  /** The key that a row was sealed with; undefined once it is erased. */
  byId(merchantId: string, dataKeyId: string): Promise<DataKey | undefined> {
    return remember(this.#byId, `${merchantId} ${dataKeyId}`, async () => {
      const row = await store.selectDataKeyById(this.#deps.pool, merchantId, dataKeyId);
      return row && this.#unwrap(row);
    });
  }

  async #loadOrMake(merchantId: string, month: string): Promise<DataKey> {
    const { pool, masterKey, now } = this.#deps;
    let row = await store.selectDataKey(pool, merchantId, month);
    if (row === undefined) {
      const { wrapped } = await newDataKey(masterKey);
      const createTime = now();
      await store.insertDataKey(pool, {
        merchantId,
        month,
        masterKeyId: masterKey.keyId,
        wrapped,
        createTime,
      });
      // Another process may have been first; its key is the one that counts.
      row = await store.selectDataKey(pool, merchantId, month);
    }
    if (row === undefined) throw new Error(`data key of ${merchantId} ${month} is gone`);
    return this.#unwrap(row);
  }

  async #unwrap(row: store.DataKeyRow): Promise<DataKey> {
    const { masterKey } = this.#deps;
    if (row.master_key_id !== masterKey.keyId) {
      throw new Error(`data key ${row.data_key_id} is wrapped by another master key`);
    }
    return { dataKeyId: BigInt(row.data_key_id), key: await masterKey.unwrap(row.wrapped) };
  }
}

function remember<T>(
  cache: LRUCache<string, Promise<T>>,
  key: string,
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
export type DataKeysDeps = { pool: Pool; masterKey: MasterKey; now: Clock };
