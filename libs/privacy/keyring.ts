import type { KeyObject } from 'node:crypto';
import { RpcError } from '#libs/errors';
import { backoff, sleep } from '#libs/run';
import type { MasterKey } from './master-key.ts';

const TRIES = 3;

/**
 * The master keys of a system: the current one wraps what is new, and each one opens what names it.
 * A key may be a service across the network: what it does not answer in time is asked again, three
 * times in all, then the call fails with DEPENDENCY_DOWN. What it refuses is not asked again.
 */
export class Keyring {
  readonly #current: MasterKey;
  readonly #byId: ReadonlyMap<string, MasterKey>;
  readonly #tryTimeoutMs: number;

  constructor({ current, others = [], tryTimeoutMs = 2_000 }: KeyringOptions) {
    this.#current = current;
    this.#byId = new Map([...others, current].map((key) => [key.keyId, key]));
    this.#tryTimeoutMs = tryTimeoutMs;
  }

  /** Names the key that wraps. */
  get currentId(): string {
    return this.#current.keyId;
  }

  /** Those that only open. */
  get otherIds(): string[] {
    return [...this.#byId.keys()].filter((keyId) => keyId !== this.currentId);
  }

  has(masterKeyId: string): boolean {
    return this.#byId.has(masterKeyId);
  }

  async wrap(key: KeyObject): Promise<WrappedKey> {
    const wrapped = await this.#ask((signal) => this.#current.wrap(key, signal));
    return { masterKeyId: this.#current.keyId, wrapped };
  }

  /** MASTER_KEY_MISSING if the key that wrapped it is not of this ring. */
  async unwrap({ masterKeyId, wrapped }: WrappedKey): Promise<KeyObject> {
    const masterKey = this.#byId.get(masterKeyId);
    if (masterKey === undefined) {
      throw new RpcError('MASTER_KEY_MISSING', { metadata: { id: masterKeyId } });
    }
    return await this.#ask((signal) => masterKey.unwrap(wrapped, signal));
  }

  async #ask<T>(question: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const nextDelayMs = backoff({ firstMs: 50, maxMs: 1_000 });
    for (let tried = 1; ; tried++) {
      try {
        return await inTime(question, this.#tryTimeoutMs);
      } catch (error) {
        // Another answer of the same key is not to be hoped for.
        if (!(error instanceof RpcError && error.retryable) || tried === TRIES) throw error;
      }
      await sleep(nextDelayMs());
    }
  }
}

/** A key that neither answers nor minds the signal must not hold up the caller. */
async function inTime<T>(
  question: (signal: AbortSignal) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  const signal = AbortSignal.timeout(timeoutMs);
  const tooLate = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => {
      const cause = new Error(`the master key did not answer within ${timeoutMs} ms`);
      reject(new RpcError('DEPENDENCY_DOWN', { cause }));
    });
  });
  return await Promise.race([question(signal), tooLate]);
}

/** A key as it is stored, with the name of the master key that opens it. */
export type WrappedKey = { masterKeyId: string; wrapped: Uint8Array };

export type KeyringOptions = {
  current: MasterKey;
  /** Those that only open: the ones before, and during a change the one to come. */
  others?: readonly MasterKey[];
  /** Default 2,000. */
  tryTimeoutMs?: number;
};
