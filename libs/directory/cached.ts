import { LRUCache } from 'lru-cache';
import { Code, RpcError } from '#libs/errors';

/**
 * Remembers what `load` answered, for `freshMs`; one load at a time for one key. An error that
 * says something of the thing itself (not found, invalid) is an answer too, kept for a second.
 * While what `load` asks is away, an answer up to `staleMs` old is used instead.
 */
export class Cached<T> {
  readonly #entries: LRUCache<string, Entry<T>>;
  readonly #pending = new Map<string, Promise<Entry<T>>>();
  readonly #options: CachedOptions<T>;

  constructor(options: CachedOptions<T>) {
    this.#options = options;
    this.#entries = new LRUCache({ max: options.maxEntries });
  }

  async get(key: string): Promise<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && this.#ageMs(known) < known.freshMs) return open(known);
    try {
      return open(await this.#load(key));
    } catch (error) {
      const isAway = error instanceof RpcError && error.retryable;
      if (isAway && known !== undefined && this.#ageMs(known) < this.#options.staleMs) {
        return open(known);
      }
      throw error;
    }
  }

  /** The next look-up asks; what is known serves only while it cannot be asked. */
  expire(key: string): void {
    // Not get(): it would move the entry to the front, under the feet of expireAll().
    const known = this.#entries.peek(key);
    if (known !== undefined) known.freshMs = 0;
    // A load that began before the change must not be taken for the new state.
    this.#pending.delete(key);
  }

  expireAll(): void {
    for (const key of this.#entries.keys()) this.expire(key);
    this.#pending.clear();
  }

  #load(key: string): Promise<Entry<T>> {
    const running = this.#pending.get(key);
    if (running !== undefined) return running;
    const started = this.#ask(key).then((entry) => {
      if (this.#pending.get(key) === started) this.#entries.set(key, entry);
      return entry;
    });
    this.#pending.set(key, started);
    const forget = () => {
      if (this.#pending.get(key) === started) this.#pending.delete(key);
    };
    started.then(forget, forget);
    return started;
  }

  async #ask(key: string): Promise<Entry<T>> {
    const loadedMs = performance.now();
    try {
      const value = await this.#options.load(key);
      return { value, loadedMs, freshMs: this.#options.freshMs };
    } catch (error) {
      if (error instanceof RpcError && ANSWERS.has(error.code)) {
        return { error, loadedMs, freshMs: 1_000 };
      }
      throw error;
    }
  }

  #ageMs(entry: Entry<T>): number {
    return performance.now() - entry.loadedMs;
  }
}

/** Codes by which a service says something of the thing asked for, not of itself. */
const ANSWERS: ReadonlySet<number> = new Set([Code.NOT_FOUND, Code.UNAUTHENTICATED]);

function open<T>(entry: Entry<T>): T {
  if (entry.error !== undefined) throw entry.error;
  return entry.value as T;
}

export type CachedOptions<T> = {
  load: (key: string) => Promise<T>;
  freshMs: number;
  staleMs: number;
  maxEntries: number;
};

type Entry<T> = { value?: T; error?: RpcError; loadedMs: number; freshMs: number };
