import { LRUCache } from 'lru-cache';
import type { GivenLocation } from '#libs/geo';
import type { ParsedAddress } from './parsed-address.ts';

/** Whoever finds addresses on a map: a map service that the operator has a contract with. */
export type AddressProvider = {
  /** The point in the provider's own datum; undefined if it finds none. */
  locate(address: ParsedAddress, signal: AbortSignal): Promise<GivenLocation | undefined>;
};

/** Asks once for addresses that are the same down to the house, also where none was found. */
export function cachedProvider(
  provider: AddressProvider,
  { countMax, ttlMs }: { countMax: number; ttlMs: number },
): AddressProvider {
  const cache = new LRUCache<string, { given: GivenLocation | undefined }>({
    max: countMax,
    ttl: ttlMs,
  });
  return {
    async locate(address, signal) {
      const key = keyOf(address);
      const known = cache.get(key);
      if (known !== undefined) return known.given;
      const given = await provider.locate(address, signal);
      cache.set(key, { given });
      return given;
    },
  };
}

/** No name, no number, no room: the same house is one question. */
function keyOf({ code, streetCode, road, number, building, rest }: ParsedAddress): string {
  return JSON.stringify([code, streetCode, road, number, building, rest]);
}
