import { fromItemError, RpcError } from '#libs/errors';
import { backoff } from '#libs/run';
import type { ItemError } from '#proto/queqiao/type/v1/item_error';
import type { IssuedWaybill } from '#proto/queqiao/waybill/v1/waybill_service';

/** Between the attempts of one item, and of one connection. */
export const PAUSES = { firstMs: 100, maxMs: 5_000 };

/**
 * Parcels on their way to a number: those that wait to be sent, and those that whoever sends them
 * has taken. A parcel leaves by an answer, by its caller's signal, or when it is given up.
 */
export class IssueQueue {
  readonly #giveUpAfterMs: number;
  readonly #later = new Map<Entry, NodeJS.Timeout>();
  readonly #all = new Set<Entry>();
  #waiting: Entry[] = [];
  #listeners: (() => void)[] = [];
  #isNotifying = false;

  constructor(giveUpAfterMs: number) {
    this.#giveUpAfterMs = giveUpAfterMs;
  }

  /** Parcels without an answer, wherever they are. */
  get pendingCount(): number {
    return this.#all.size;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  add(entry: Entry): void {
    this.#all.add(entry);
    this.#waiting.push(entry);
    this.notify();
  }

  /** The oldest that wait, at most `countMax`. */
  take(countMax: number): Entry[] {
    return this.#waiting.splice(0, countMax);
  }

  /** Back to the front: they were sent and the answer was lost, or they were not sent. */
  putBack(entries: Entry[]): void {
    const alive = entries.filter((entry) => this.#all.has(entry));
    this.#waiting = [...alive, ...this.#waiting];
    this.notify();
  }

  settle(entry: Entry, outcome: Outcome): void {
    if (!this.#all.has(entry)) return;
    if (outcome.case === 'issued') {
      this.#forget(entry);
      entry.resolve(outcome.value);
      return;
    }
    const error =
      outcome.case === 'error'
        ? fromItemError(outcome.value)
        : new RpcError('INTERNAL', { cause: new Error('an outcome without a value') });
    if (error.retryable && !this.#isOverdue(entry)) this.#sendLater(entry);
    else this.reject(entry, error);
  }

  reject(entry: Entry, error: unknown): void {
    if (!this.#all.has(entry)) return;
    this.#waiting = this.#waiting.filter((each) => each !== entry);
    this.#forget(entry);
    entry.reject(error);
  }

  /** Gives up those that wait for longer than anybody should. */
  rejectOverdue(error: RpcError): void {
    for (const entry of this.#waiting) if (this.#isOverdue(entry)) this.reject(entry, error);
  }

  rejectAll(error: unknown): void {
    this.#waiting = [];
    for (const entry of this.#all) this.reject(entry, error);
  }

  /**
   * Resolves after the next change, at the end of its turn: what was added in one turn goes out
   * together.
   */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#listeners.push(resolve));
  }

  notify(): void {
    if (this.#isNotifying || this.#listeners.length === 0) return;
    this.#isNotifying = true;
    setImmediate(() => {
      this.#isNotifying = false;
      for (const listener of this.#listeners.splice(0)) listener();
    });
  }

  #isOverdue({ startMs }: Entry): boolean {
    return performance.now() - startMs > this.#giveUpAfterMs;
  }

  #sendLater(entry: Entry): void {
    const resend = () => {
      this.#later.delete(entry);
      this.#waiting.push(entry);
      this.notify();
    };
    entry.nextPauseMs ??= backoff(PAUSES);
    this.#later.set(entry, setTimeout(resend, entry.nextPauseMs()));
  }

  #forget(entry: Entry): void {
    this.#all.delete(entry);
    clearTimeout(this.#later.get(entry));
    this.#later.delete(entry);
    this.notify();
  }
}

/** A parcel with the promise of its number. */
export type Entry = {
  /** Its name on a stream. */
  readonly itemId: string;
  /** The encoded Parcel. */
  readonly parcel: Uint8Array;
  readonly startMs: number;
  /** Made at its first failure. */
  nextPauseMs?: () => number;
  resolve(issued: IssuedWaybill): void;
  reject(error: unknown): void;
};

/** What an answer says of one parcel. */
export type Outcome =
  | { case: 'issued'; value: IssuedWaybill }
  | { case: 'error'; value: ItemError }
  | { case: undefined; value?: undefined };
