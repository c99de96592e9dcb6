import { type Pool, transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import { type Clock, crashpoint } from '#libs/run';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import { enqueueRangeReport } from './events.ts';
import { formatNumber, numberSpan } from './number.ts';
import * as store from './store/lease.ts';

const LEASE_COUNT_MIN = 64;
const LEASE_COUNT_MAX = 10_000;
/** A lease that lasted less than this was too small; the next one is twice the size. */
const LEASE_DURATION_WANTED_MS = 10_000;

/**
 * Numbers for waybills, from leases: contiguous pieces of a number range that belong to one bucket.
 * A number handed out is never handed out again, unless its taker gives it back unused. Serials
 * that a crash leaves unused stay a gap; an ordered stop hands them back to the database.
 */
export class NumberPool implements AsyncDisposable {
  readonly #deps: NumberPoolDeps;
  readonly #slots = new Map<string, Slot>();
  #closed = false;

  constructor(deps: NumberPoolDeps) {
    this.#deps = deps;
  }

  /**
   * Up to `count` numbers for a bucket, from the first ranges that have some; fewer only when all
   * ranges are used up.
   */
  async take(ranges: NumberRange[], bucket: number, count: number): Promise<TakenNumber[]> {
    crashpoint('before_take');
    const taken: TakenNumber[] = [];
    for (const range of ranges) {
      const slot = this.#slot(range, bucket);
      while (taken.length < count) {
        takeFrom(slot, count - taken.length, taken);
        if (taken.length === count) break;
        if (!(await this.#refill(slot, count - taken.length))) break;
      }
      if (taken.length === count) {
        this.#prefetch(slot);
        break;
      }
    }
    crashpoint('after_take');
    return taken;
  }

  /** Numbers that certainly reached no row: the next taker gets them. */
  giveBack(numbers: TakenNumber[]): void {
    for (const { lease, serial } of numbers) {
      lease.returned.push(serial);
      const { leases } = this.#slot(lease.range, lease.bucket);
      // A lease that was used up has left its slot.
      if (!leases.includes(lease)) leases.unshift(lease);
    }
  }

  /** Hands unused serials back to the database. Call when no taken number is in use any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    crashpoint('before_hand_back');
    for (const slot of this.#slots.values()) {
      await slot.refilling?.catch(() => undefined);
      for (const lease of slot.leases) {
        await this.#handBack(lease);
        crashpoint('between_hand_backs');
      }
    }
    this.#slots.clear();
  }

  #slot(range: NumberRange, bucket: number): Slot {
    const key = `${range.rangeId} ${bucket}`;
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = { range, bucket, leases: [], count: LEASE_COUNT_MIN, leasedMs: 0 };
      this.#slots.set(key, slot);
    }
    // last_serial may have grown since.
    slot.range = range;
    return slot;
  }

  /** Whether the slot has new serials; one lease at a time for a slot, shared by all who wait. */
  async #refill(slot: Slot, wanted: number): Promise<boolean> {
    if (this.#closed) throw new RpcError('DEPENDENCY_DOWN');
    slot.refilling ??= this.#lease(slot, wanted).finally(() => {
      slot.refilling = undefined;
    });
    return slot.refilling;
  }

  async #lease(slot: Slot, wanted: number): Promise<boolean> {
    const sinceMs = performance.now() - slot.leasedMs;
    if (slot.leasedMs > 0 && sinceMs < LEASE_DURATION_WANTED_MS) slot.count *= 2;
    slot.count = Math.min(Math.max(slot.count, wanted), LEASE_COUNT_MAX);
    const lease = await this.#leaseRow(slot.range, slot.bucket, slot.count);
    if (lease === undefined) return false;
    crashpoint('after_lease_before_use');
    slot.leases.push(lease);
    slot.leasedMs = performance.now();
    return true;
  }

  #leaseRow(range: NumberRange, bucket: number, count: number): Promise<Lease | undefined> {
    const { pool, now } = this.#deps;
    const { rangeId, firstSerial, lastSerial } = range;
    const leaseTime = now();
    return transaction(pool, async (tx) => {
      const owner = { rangeId, bucket, leaseTime };
      const free = await store.takeFreeLease(tx, owner);
      if (free !== undefined) {
        const first = BigInt(free.first_serial);
        const last = BigInt(free.last_serial);
        return { leaseId: free.lease_id, range, bucket, first, next: first, last, returned: [] };
      }
      await store.insertCursor(tx, rangeId, firstSerial);
      const piece = await store.advanceCursor(tx, { rangeId, lastSerial, count });
      if (piece === undefined) return undefined;
      const span = numberSpan(range, piece.first, piece.last);
      const { lease_id } = await store.insertLease(tx, { ...owner, ...piece, ...span });
      await enqueueRangeReport(tx, range, piece, leaseTime);
      return { leaseId: lease_id, range, bucket, ...piece, next: piece.first, returned: [] };
    });
  }

  #prefetch(slot: Slot): void {
    if (slot.refilling !== undefined || remainingOf(slot) * 10 > slot.count) return;
    // A failure shows when the numbers are needed.
    this.#refill(slot, slot.count).catch(() => undefined);
  }

  async #handBack(lease: Lease): Promise<void> {
    const { range, leaseId, first, next, last } = lease;
    if (next > last) return;
    await transaction(this.#deps.pool, async (tx) => {
      if (next === first) return store.freeLease(tx, leaseId);
      const used = numberSpan(range, first, next - 1n);
      await store.shrinkLease(tx, { leaseId, last: next - 1n, ...used });
      const free = { rangeId: range.rangeId, bucket: null, leaseTime: this.#deps.now() };
      const rest = { first: next, last, ...numberSpan(range, next, last) };
      await store.insertLease(tx, { ...free, ...rest });
    });
  }
}

function takeFrom(slot: Slot, count: number, into: TakenNumber[]): void {
  const enough = into.length + count;
  while (into.length < enough) {
    const lease = slot.leases[0];
    if (lease === undefined) return;
    const serial = lease.returned.pop() ?? nextSerial(lease);
    if (serial !== undefined) {
      into.push({ number: formatNumber(lease.range, serial), serial, lease });
    } else {
      slot.leases.shift();
    }
  }
}

function nextSerial(lease: Lease): bigint | undefined {
  if (lease.next > lease.last) return undefined;
  return lease.next++;
}

function remainingOf(slot: Slot): number {
  return slot.leases.reduce(
    (sum, { next, last, returned }) => sum + Number(last - next + 1n) + returned.length,
    0,
  );
}

export type NumberPoolDeps = { pool: Pool; now: Clock };

export type TakenNumber = { number: string; serial: bigint; lease: Lease };

type Lease = {
  leaseId: string;
  range: NumberRange;
  bucket: number;
  first: bigint;
  next: bigint;
  last: bigint;
  /** Serials below `next` that were given back unused. */
  returned: bigint[];
};

type Slot = {
  range: NumberRange;
  bucket: number;
  leases: Lease[];
  count: number;
  leasedMs: number;
  refilling?: Promise<boolean> | undefined;
};
