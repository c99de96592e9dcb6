import { ofMerchant, transaction } from '#libs/db';
import type { AddressHashes } from './data-keys.ts';
import type { Deps } from './deps.ts';
import { eraseConsignees } from './erase.ts';
import { enqueueConsigneesErased } from './events.ts';
import type { Position } from './page.ts';
import { type ErasedKeyRow, type NumberRow, selectNumbers, updateCleared } from './store/erase.ts';

/** Waybills of one transaction, and at most of one event. */
const STEP = 500;

/**
 * Empties the waybills that a destroyed key had sealed, until all are or time is up. How far it is
 * stands in the key's row: the next call goes on from there. All of the merchant's waybills are
 * walked through, since one of another month may have been sealed anew.
 */
export async function clearMonth(
  deps: Deps,
  { merchantId, buckets, key, untilMs }: Clearing,
): Promise<{ clearedCount: number; done: boolean }> {
  let clearedCount = 0;
  if (key.clear_time !== null) return { clearedCount, done: true };
  const hashes = await deps.dataKeys.addressHashes();
  let place: Place | undefined = placeOf(key.clear_position);
  do {
    const bucket = buckets[place.bucketIndex] as number;
    const rows = await selectNumbers(deps.pool, { bucket, merchantId, ...place, limit: STEP });
    const next = placeAfter(place, rows, buckets.length);
    clearedCount += await clearStep(deps, { merchantId, bucket, key, hashes, rows, next });
    place = next;
  } while (place !== undefined && Date.now() < untilMs);
  return { clearedCount, done: place === undefined };
}

async function clearStep(deps: Deps, step: Step): Promise<number> {
  const { merchantId, bucket, key, hashes, rows, next } = step;
  const time = deps.now();
  const count = await transaction(
    deps.pool,
    async (tx) => {
      const numbers = rows.map((row) => ({ bucket, number: row.waybill_number }));
      const cleared = await eraseConsignees(tx, numbers, { dataKeyId: key.data_key_id, hashes });
      const courierIds = new Set(rows.map((row) => row.courier_id));
      for (const courierId of courierIds) {
        const own = rows.filter((row) => row.courier_id === courierId);
        const numbers = own.map((row) => row.waybill_number).filter((each) => cleared.has(each));
        if (numbers.length === 0) continue;
        await enqueueConsigneesErased(tx, { courierId, merchantId, numbers }, time);
      }
      await updateCleared(tx, key.data_key_id, next === undefined ? null : textOf(next), time);
      return cleared.size;
    },
    { tenant: ofMerchant(merchantId) },
  );
  if (count > 0) deps.relay.wake();
  return count;
}

/** The empty text stands before every number: at a time alone, nothing of it is shown. */
const START: Position = { issueTime: new Date('9999-12-31T00:00:00Z'), waybillNumber: '' };

function placeAfter(place: Place, rows: NumberRow[], bucketCount: number): Place | undefined {
  const last = rows.at(-1);
  if (last !== undefined && rows.length === STEP) {
    const after = { issueTime: last.issue_time, waybillNumber: last.waybill_number };
    return { bucketIndex: place.bucketIndex, after };
  }
  const bucketIndex = place.bucketIndex + 1;
  return bucketIndex < bucketCount ? { bucketIndex, after: START } : undefined;
}

function placeOf(text: string | null): Place {
  const [bucketIndex = '0', time = '', waybillNumber = ''] = text?.split(' ') ?? [];
  const after = time === '' ? START : { issueTime: new Date(time), waybillNumber };
  return { bucketIndex: Number(bucketIndex), after };
}

function textOf({ bucketIndex, after }: Place): string {
  return `${bucketIndex} ${after.issueTime.toISOString()} ${after.waybillNumber}`;
}

type Place = { bucketIndex: number; after: Position };
type Clearing = { merchantId: string; buckets: number[]; key: ErasedKeyRow; untilMs: number };
type Step = {
  merchantId: string;
  bucket: number;
  key: ErasedKeyRow;
  hashes: AddressHashes;
  rows: NumberRow[];
  /** Undefined after the last step. */
  next: Place | undefined;
};
