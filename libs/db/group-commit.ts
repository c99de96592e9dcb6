import { RpcError, toRpcError } from '#libs/errors';

/**
 * Writes what many callers submit in few, large writes. The free writers share all that waits, so
 * groups grow with the load and nobody waits for a timer. A caller hears of its own items when the
 * write that held them has returned.
 */
export function groupCommit<Item, Result>(
  options: GroupCommitOptions<Item, Result>,
): GroupCommit<Item, Result> {
  return new Group({ ...DEFAULTS, ...options });
}

class Group<Item, Result> implements GroupCommit<Item, Result> {
  readonly #options: Required<GroupCommitOptions<Item, Result>>;
  #waiting: Submission<Item, Result>[] = [];
  #waitingSize = 0;
  #busyCount = 0;
  #isStarting = false;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: Required<GroupCommitOptions<Item, Result>>) {
    this.#options = options;
  }

  async submit(items: readonly Item[]): Promise<Result[]> {
    if (items.length === 0) return [];
    const size = this.#sizeOf(items);
    if (this.#isClosed) {
      throw new RpcError('DEPENDENCY_DOWN', { cause: new Error('the group commit is closed') });
    }
    const { maxWaitingItems } = this.#options;
    if (this.#waitingSize + size > maxWaitingItems) {
      const cause = new Error(`${this.#waitingSize} items wait, at most ${maxWaitingItems}`);
      throw new RpcError('OVERLOADED', { retryAfterMs: RETRY_AFTER_MS, cause });
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ items, size, resolve, reject });
      this.#waitingSize += size;
      this.#start();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    if (this.#busyCount === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      const others = this.#onIdle;
      this.#onIdle = () => {
        others?.();
        resolve();
      };
    });
  }

  /**
   * At once when there is a fair group, so that the database works while the next calls of this
   * turn are read; else at the end of the turn: small calls that arrived together go together.
   */
  #start(): void {
    if (this.#waitingSize >= FAIR_GROUP) {
      this.#startWriters();
      return;
    }
    if (this.#isStarting) return;
    this.#isStarting = true;
    setImmediate(() => {
      this.#isStarting = false;
      this.#startWriters();
    });
  }

  #startWriters(): void {
    while (this.#waiting.length > 0 && this.#busyCount < this.#options.writers) {
      const group = this.#takeGroup();
      this.#busyCount += 1;
      void this.#write(group).finally(() => {
        this.#busyCount -= 1;
        this.#startWriters();
      });
    }
    if (this.#busyCount === 0 && this.#waiting.length === 0) this.#onIdle?.();
  }

  /**
   * This writer's share of what waits, up to maxItems, a submission never divided. In one group,
   * callers that wait for each answer would all rest while the database works, and it while they
   * do.
   */
  #takeGroup(): Submission<Item, Result>[] {
    const { writers, maxItems } = this.#options;
    const share = Math.ceil(this.#waitingSize / (writers - this.#busyCount));
    const limit = Math.min(maxItems, Math.max(share, SMALL_GROUP));
    let groupSize = 0;
    let count = 0;
    for (const { size } of this.#waiting) {
      if (count > 0 && groupSize + size > limit) break;
      groupSize += size;
      count += 1;
    }
    this.#waitingSize -= groupSize;
    return this.#waiting.splice(0, count);
  }

  #sizeOf(items: readonly Item[]): number {
    return items.reduce((sum, item) => sum + this.#options.sizeOf(item), 0);
  }

  /** Never rejects: each submission is told its own outcome. */
  async #write(group: Submission<Item, Result>[]): Promise<void> {
    const items = group.flatMap((submission) => submission.items);
    try {
      const results = await this.#options.write(items);
      if (results.length !== items.length) {
        throw new Error(`write answered ${results.length} results for ${items.length} items`);
      }
      let start = 0;
      for (const submission of group) {
        const end = start + submission.items.length;
        submission.resolve(results.slice(start, end));
        start = end;
      }
    } catch (error) {
      if (group.length === 1 || hitsAll(error)) {
        for (const submission of group) submission.reject(error);
        return;
      }
      // Halving finds one bad submission among 500 with 18 writes.
      const middle = Math.ceil(group.length / 2);
      await this.#write(group.slice(0, middle));
      await this.#write(group.slice(middle));
    }
  }
}

/** No submission is to blame for these, and to try each one alone would add to the load. */
function hitsAll(error: unknown): boolean {
  const { retryable, reason } = toRpcError(error);
  return retryable && reason !== 'CONFLICT';
}

const RETRY_AFTER_MS = 500;
/** Below about this many rows the cost of a statement outweighs that of its rows. */
const FAIR_GROUP = 64;
/** A group of so few is not shared. */
const SMALL_GROUP = 32;

const DEFAULTS = { writers: 2, maxItems: 1_000, maxWaitingItems: 20_000, sizeOf: () => 1 };

export type GroupCommitOptions<Item, Result> = {
  /**
   * Writes all items or none, in one transaction, and answers one result for each in order. It is
   * called again with a part of the items when it fails by one of them.
   */
  write: (items: Item[]) => Promise<Result[]>;
  /** For how many an item counts; default 1. */
  sizeOf?: (item: Item) => number;
  /** Writes that run at a time. Default 2. */
  writers?: number;
  /** Most items of one write; a larger submission is written alone. Default 1,000. */
  maxItems?: number;
  /** Items that may wait for a writer; more is RpcError OVERLOADED. Default 20,000. */
  maxWaitingItems?: number;
};

export type GroupCommit<Item, Result> = AsyncDisposable & {
  /**
   * One result for each item, in order, once they are durable. Rejects with what `write` threw for
   * these items, with OVERLOADED at once, or with DEPENDENCY_DOWN after the end. The end waits
   * until all that was submitted is written.
   */
  submit(items: readonly Item[]): Promise<Result[]>;
};

type Submission<Item, Result> = {
  items: readonly Item[];
  size: number;
  resolve(results: Result[]): void;
  reject(error: unknown): void;
};
