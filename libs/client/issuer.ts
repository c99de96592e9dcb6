import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { RpcError, tooMany, toRpcError } from '#libs/errors';
import type { Client, ClientOptions } from '#libs/grpc';
import { backoff, sleep } from '#libs/run';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { IssuedWaybill, WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  carryByBatches,
  carryByStream,
  isRefusal,
  openCarrier,
  type Trip,
} from './issue-carriers.ts';
import { type Entry, IssueQueue, PAUSES } from './issue-queue.ts';

/** So that a message of 256 keeps its limit; a valid parcel has under 10 KiB. */
const PARCEL_BYTES_MAX = 15 * 1024;
/** A server that took no stream is offered one again after so long. */
const BATCHES_MS = 60_000;

/**
 * Draws waybills for single parcels and lets them travel together: over one stream, which is opened
 * when there is something to send and opened anew when it breaks. What was unanswered is sent
 * again, which is safe: a parcel that was issued all the same is answered with its first number.
 */
export class Issuer implements AsyncDisposable {
  readonly #options: Required<Omit<IssuerOptions, 'signal'>>;
  readonly #connection: ClientOptions;
  readonly #onEnd: () => void;
  #client: Client<typeof WaybillService>;
  readonly #queue: IssueQueue;
  readonly #stop = new AbortController();
  #lastId = 0;
  #isClosing = false;
  #running: Promise<void> | undefined;
  #batchesUntilMs = 0;
  #nextPauseMs = backoff(PAUSES);

  constructor(connection: ClientOptions, given: IssuerOptions = {}, onEnd = () => {}) {
    const { signal, ...options } = given;
    this.#connection = connection;
    this.#onEnd = onEnd;
    this.#options = { ...DEFAULTS, ...options };
    this.#client = openCarrier(connection);
    this.#queue = new IssueQueue(this.#options.giveUpAfterMs);
    const abort = () => this.abort(signal?.reason);
    if (signal?.aborted) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  }

  /**
   * The number of one parcel, once it is stored. Rejects with an RpcError: what is wrong with the
   * parcel, or, after `giveUpAfterMs`, what kept it from being issued. OVERLOADED if twice as many
   * are given as the window holds: see ready().
   */
  issue(parcel: ParcelInit, { signal }: { signal?: AbortSignal } = {}): Promise<IssuedWaybill> {
    return new Promise((resolve, reject) => {
      if (this.#isClosing) throw new RpcError('CALL_CANCELLED');
      if (signal?.aborted) throw toCancelled(signal.reason);
      if (this.#queue.pendingCount >= this.#options.window * 2) throw new RpcError('OVERLOADED');
      // Encoded here, so that a parcel that cannot be fails alone.
      const bytes = toBinary(ParcelSchema, create(ParcelSchema, parcel));
      if (bytes.length > PARCEL_BYTES_MAX) {
        throw tooMany('parcel_bytes', bytes.length, PARCEL_BYTES_MAX);
      }
      this.#lastId += 1;
      const leave = () => this.#queue.reject(entry, toCancelled(signal?.reason));
      const entry: Entry = {
        itemId: this.#lastId.toString(36),
        parcel: bytes,
        startMs: performance.now(),
        resolve(issued) {
          signal?.removeEventListener('abort', leave);
          resolve(issued);
        },
        reject(error) {
          signal?.removeEventListener('abort', leave);
          reject(error);
        },
      };
      signal?.addEventListener('abort', leave);
      this.#queue.add(entry);
      this.#run();
    });
  }

  /** Resolves when the window has room: `await issuer.ready()` before each of many parcels. */
  async ready(): Promise<void> {
    while (this.#queue.pendingCount >= this.#options.window && !this.#isClosing) {
      await this.#queue.changed();
    }
  }

  /** Takes no more parcels and resolves when all that were given are answered. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#queue.notify();
    while (this.#queue.pendingCount > 0) await this.#queue.changed();
    this.#queue.notify();
    await this.#running;
    this.#end();
  }

  /** Gives all parcels up that have no answer yet; they may have been issued. */
  abort(reason?: unknown): void {
    this.#isClosing = true;
    this.#queue.rejectAll(toCancelled(reason));
    this.#stop.abort();
    this.#end();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #end(): void {
    this.#client.close();
    this.#onEnd();
  }

  #run(): void {
    this.#running ??= this.#carryAll().finally(() => {
      this.#running = undefined;
      // Given while the last of it ended.
      if (this.#queue.waitingCount > 0 && !this.#stop.signal.aborted) this.#run();
    });
  }

  async #carryAll(): Promise<void> {
    while (this.#queue.pendingCount > 0 && !this.#stop.signal.aborted) {
      try {
        await this.#carry();
      } catch (error) {
        await this.#recover(toRpcError(error));
      }
    }
  }

  async #carry(): Promise<void> {
    const trip: Trip = {
      client: this.#client,
      queue: this.#queue,
      merchantId: this.#options.merchantId,
      stop: this.#stop.signal,
      isClosing: () => this.#isClosing,
      answerMaxMs: this.#options.answerMaxMs,
      onAnswer: () => {
        this.#nextPauseMs = backoff(PAUSES);
      },
    };
    if (performance.now() >= this.#batchesUntilMs) return await carryByStream(trip);
    await carryByBatches(trip);
    trip.onAnswer();
    // All of it waits for its next attempt.
    if (this.#queue.waitingCount === 0 && this.#queue.pendingCount > 0) await this.#queue.changed();
  }

  /** The silent connection would take the next stream as well. */
  #reconnect(): void {
    this.#client.close();
    this.#client = openCarrier(this.#connection);
  }

  async #recover(error: RpcError): Promise<void> {
    if (isRefusal(error)) {
      this.#batchesUntilMs = performance.now() + BATCHES_MS;
    } else if (error.retryable) {
      this.#queue.rejectOverdue(error);
      if (error.reason === 'DEADLINE_EXCEEDED') this.#reconnect();
      await sleep(this.#nextPauseMs() + (error.retryAfterMs ?? 0), this.#stop.signal).catch(
        () => undefined,
      );
    } else {
      // Nothing that is sent again fares better: a key that was revoked, a merchant that is gone.
      this.#queue.rejectAll(error);
    }
  }
}

function toCancelled(cause: unknown): RpcError {
  return cause instanceof RpcError ? cause : new RpcError('CALL_CANCELLED', { cause });
}

const DEFAULTS = {
  merchantId: '',
  window: 1_000,
  giveUpAfterMs: 5 * 60_000,
  answerMaxMs: 30_000,
};

/** The fields of a Parcel. */
export type ParcelInit = MessageInitShape<typeof ParcelSchema>;

export type IssuerOptions = {
  /** Whose parcels; an operator must name a merchant. Default: the key's own. */
  merchantId?: string;
  /** Parcels given and not yet answered, until ready() waits. Default 1,000. */
  window?: number;
  /** How long a parcel is tried, over restarts of the server as well. Default 5 minutes. */
  giveUpAfterMs?: number;
  /** A server that owes answers and is silent for so long is asked anew. Default 30 s. */
  answerMaxMs?: number;
  /** Aborted, it gives up all that is under way. */
  signal?: AbortSignal;
};
