import { RpcError } from '#libs/errors';

/**
 * So many at a time, in order of arrival. Over `maxWaiting` waiters the next is refused at once
 * (OVERLOADED), and nobody waits longer than `waitMs` (OVERLOADED too): a queue without a bound
 * only serves callers that are gone already.
 */
export class Slots {
  readonly #options: SlotsOptions;
  readonly #waiting = new Set<Waiter>();
  #free: number;
  #isClosed = false;

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#free = options.count;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Resolves when the caller may go on; it must call `give` once afterwards. */
  async take(): Promise<void> {
    if (this.#isClosed) throw closed();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const { maxWaiting, waitMs } = this.#options;
    if (this.#waiting.size >= maxWaiting) throw overloaded(`${maxWaiting} wait already`);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(waiter);
        reject(overloaded(`no turn within ${waitMs} ms`));
      }, waitMs);
      const waiter = { resolve, reject, timer };
      this.#waiting.add(waiter);
    });
  }

  give(): void {
    const next = this.#shift();
    if (next === undefined) this.#free += 1;
    else next.resolve();
  }

  /** Refuses all that wait and all that come. */
  close(): void {
    this.#isClosed = true;
    for (let next = this.#shift(); next !== undefined; next = this.#shift()) next.reject(closed());
  }

  #shift(): Waiter | undefined {
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    this.#waiting.delete(next);
    clearTimeout(next.timer);
    return next;
  }
}

const RETRY_AFTER_MS = 500;

function overloaded(text: string): RpcError {
  return new RpcError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS, cause: new Error(text) });
}

function closed(): RpcError {
  return new RpcError('DEPENDENCY_DOWN', { cause: new Error('the pool is closed') });
}

type SlotsOptions = { count: number; maxWaiting: number; waitMs: number };
type Waiter = {
  resolve(): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
};
