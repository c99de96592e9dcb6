import type { AuditedLease, AuditedWaybill } from '../store/audit.ts';
import { spanKey } from '../store/lease.ts';
import { Check } from './check.ts';
import type { Network } from './network.ts';
import { serialOf } from './range.ts';

/**
 * I4: every number lies in a lease of its own bucket. Reads leases and waybills side by side, both
 * in order of bucket; only the leases of one bucket are in memory.
 */
export class NumberInLease {
  readonly check = new Check('number-in-lease');
  /** The one whose waybills are examined now. */
  bucket = -1;
  readonly #leases: AsyncIterator<AuditedLease>;
  readonly #network: Network;
  #ahead: AuditedLease | undefined;
  #ofBucket: AuditedLease[] = [];

  constructor(leases: AsyncIterable<AuditedLease[]>, network: Network) {
    this.#leases = flat(leases);
    this.#network = network;
  }

  /** To be called before the first waybill of a bucket; buckets only go up. */
  async enter(bucket: number): Promise<void> {
    this.bucket = bucket;
    this.#ofBucket = [];
    for (;;) {
      this.#ahead ??= await this.#next();
      if (this.#ahead === undefined || (this.#ahead.bucket ?? 0) > bucket) return;
      if (this.#ahead.bucket === bucket) this.#ofBucket.push(this.#ahead);
      this.#ahead = undefined;
    }
  }

  examine({ waybill_number, bucket }: AuditedWaybill): void {
    const lease = this.#find(spanKey(waybill_number));
    this.check.examine(
      lease !== undefined && this.#holds(lease, waybill_number)
        ? undefined
        : `${waybill_number} in bucket ${bucket}`,
    );
  }

  /** The span is what look-ups go by; the serials say what may be given out. Both must agree. */
  #holds(lease: AuditedLease, number: string): boolean {
    const range = this.#network.ranges.get(lease.range_id);
    const serial = range && serialOf(range, number);
    return (
      serial !== undefined &&
      serial >= Number(lease.first_serial) &&
      serial <= Number(lease.last_serial)
    );
  }

  #find(key: string): AuditedLease | undefined {
    let low = 0;
    let high = this.#ofBucket.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#ofBucket[middle] as AuditedLease).low <= key) low = middle + 1;
      else high = middle;
    }
    const lease = this.#ofBucket[low - 1];
    return lease !== undefined && key <= lease.high ? lease : undefined;
  }

  async #next(): Promise<AuditedLease | undefined> {
    const { done, value } = await this.#leases.next();
    return done ? undefined : value;
  }
}

async function* flat(pages: AsyncIterable<AuditedLease[]>): AsyncGenerator<AuditedLease> {
  for await (const page of pages) yield* page;
}
