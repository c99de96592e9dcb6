/** Buckets there are, fixed for ever: the unit by which waybills are sharded. */
export const BUCKET_COUNT = 256;

/**
 * The bucket of a parcel: home(merchant) + hash(order_ref) mod spread(merchant). Fixed for ever, so
 * the hash may never change; order_refs that differ only in case share a bucket, so that the
 * database sees their clash.
 */
export function bucketOf(
  merchant: { homeBucket: number; spread: number },
  parcel: { orderRef: string },
): number {
  if (merchant.spread === 1) return merchant.homeBucket;
  const offset = fnv1a(parcel.orderRef.toLowerCase()) % merchant.spread;
  return (merchant.homeBucket + offset) % BUCKET_COUNT;
}

/** All buckets that a merchant's parcels may lie in. */
export function bucketsOf(merchant: { homeBucket: number; spread: number }): number[] {
  const offsets = Array.from({ length: merchant.spread }, (_, offset) => offset);
  return offsets.map((offset) => (merchant.homeBucket + offset) % BUCKET_COUNT);
}

/** 32-bit FNV-1a over ASCII text; http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
