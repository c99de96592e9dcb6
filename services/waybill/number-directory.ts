import type { Queryable } from '#libs/db';
import { type LeaseSpan, selectLeasesOf, spanKey } from './store/lease.ts';

const SPANS_MAX = 100_000;

/**
 * From number to bucket, by the leases. A lease is remembered, since it rarely changes: only the
 * unused rest of one that a stopped process handed back can move to another bucket. So who finds no
 * waybill by a remembered bucket asks again with `fresh`.
 */
export class NumberDirectory {
  readonly #db: Queryable;
  /** In order of `low`; spans never overlap. */
  #spans: LeaseSpan[] = [];

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** The buckets of those numbers that were ever leased. */
  async bucketsOf(numbers: string[], { fresh = false } = {}): Promise<Map<string, number>> {
    const buckets = new Map<string, number>();
    const unknown: string[] = [];
    for (const number of numbers) {
      const span = fresh ? undefined : this.#find(spanKey(number));
      if (span === undefined) unknown.push(number);
      else buckets.set(number, span.bucket);
    }
    if (unknown.length === 0) return buckets;
    for (const span of await selectLeasesOf(this.#db, unknown)) this.#remember(span);
    for (const number of unknown) {
      const span = this.#find(spanKey(number));
      if (span !== undefined) buckets.set(number, span.bucket);
    }
    return buckets;
  }

  #find(key: string): LeaseSpan | undefined {
    const span = this.#spans[this.#upperIndex(key) - 1];
    return span !== undefined && key <= span.high ? span : undefined;
  }

  #remember(span: LeaseSpan): void {
    if (this.#spans.length >= SPANS_MAX) this.#spans = [];
    // What overlaps is an older form of the same lease: it is replaced.
    const end = this.#upperIndex(span.high);
    let start = end;
    while (start > 0 && (this.#spans[start - 1] as LeaseSpan).high >= span.low) start--;
    this.#spans.splice(start, end - start, span);
  }

  /** Index of the first span that begins behind `key`. */
  #upperIndex(key: string): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#spans[middle] as LeaseSpan).low <= key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
