import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import { RpcError } from '#libs/errors';
import type { InFlight } from './admission.ts';
import type { AnyMethod } from './definition.ts';
import type { CallContext, StreamContext } from './identity.ts';
import type { AnyStreamHandler } from './implement.ts';
import type { Limits } from './limits.ts';
import { OK, ServerCall, type ServerCallDeps } from './server-call.ts';
import { decode } from './unary-call.ts';

/** Answers that may wait to be sent before the handler is not asked for more. */
const UNSENT_BYTES_MAX = 64 * 1024;
/** For what was accepted to be answered after a stream was told to end. */
const DRAIN_MS = 10_000;

/**
 * A call with many answers, and of a bidi stream many requests. Pull in both directions: a request
 * is read when the handler asks for it, an answer taken from the handler when those before it are
 * nearly sent. What nobody asks for waits at the caller, held back by HTTP/2's flow control.
 */
export class StreamCall extends ServerCall {
  override readonly isStream = true;
  readonly #served: ServedStream;
  #reader: Waiting<IteratorResult<unknown>> | undefined;
  #writer: Waiting<void> | undefined;
  #unsentBytes = 0;
  #requestCount = 0;
  #responseCount = 0;
  #lastMs = performance.now();
  #hasHalfClosed = false;
  #isRetired = false;
  #timers: NodeJS.Timeout[] = [];

  constructor(served: ServedStream, base: ServerInterceptingCallInterface) {
    super(served.name, served.deps, base);
    this.#served = served;
  }

  /** The handler hears of no more requests, answers what it has, and the caller is sent away. */
  override retire(): void {
    if (this.#isRetired || this.isEnded) return;
    this.#isRetired = true;
    this.#after(DRAIN_MS, () => this.fail(new RpcError('STREAM_MOVED')));
    this.#answerReader({ done: true, value: undefined });
  }

  protected override serve(): void {
    const { streamAgeMaxMs, streamIdleMaxMs } = this.#served.limits;
    // Not all at once, a while after many were opened at once.
    this.#after(streamAgeMaxMs * (0.9 + Math.random() * 0.1), () => this.retire());
    this.#watchIdleness(streamIdleMaxMs);
    void this.run((context) => this.#serveAll(context));
  }

  override onReceiveMessage(bytes: Buffer): void {
    // One that was under way when the stream was retired: not accepted, the caller sends it again.
    if (this.#isRetired) return;
    this.#lastMs = performance.now();
    this.#requestCount += 1;
    try {
      this.#answerReader({ done: false, value: decode(this.#served.method, bytes) });
    } catch (error) {
      this.fail(error);
    }
  }

  override onReceiveHalfClose(): void {
    // A broken stream looks like an ended one for a moment, until the cancellation is told.
    setImmediate(() => {
      if (this.isEnded) return;
      this.#hasHalfClosed = true;
      this.#answerReader({ done: true, value: undefined });
    });
  }

  protected override ended(error: RpcError | undefined): void {
    for (const timer of this.#timers) clearTimeout(timer);
    const reason = error ?? new RpcError('CALL_CANCELLED');
    this.#reader?.reject(reason);
    this.#writer?.resolve();
  }

  protected override logFields(): object {
    return { requests: this.#requestCount, responses: this.#responseCount };
  }

  async #serveAll(context: CallContext): Promise<void> {
    const requests = { [Symbol.asyncIterator]: () => ({ next: () => this.#read() }) };
    const working = Object.assign(context, { work: <T>(run: () => Promise<T>) => this.#work(run) });
    for await (const answer of this.#served.handler(requests, working as StreamContext)) {
      if (this.isEnded) return;
      await this.#write(this.#served.method.responseSerialize(answer));
    }
    // A caller that may not send more has nothing to send again.
    const isCut = this.#isRetired && this.#served.method.requestStream && !this.#hasHalfClosed;
    if (isCut) throw new RpcError('STREAM_MOVED');
    this.sendStatus(OK);
  }

  #read(): Promise<IteratorResult<unknown>> {
    if (this.#isRetired || this.#hasHalfClosed) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve, reject) => {
      if (this.isEnded) {
        reject(new RpcError('CALL_CANCELLED'));
        return;
      }
      this.#reader = { resolve, reject };
      this.base.startRead();
    });
  }

  #answerReader(result: IteratorResult<unknown>): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.resolve(result);
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#responseCount += 1;
    this.#unsentBytes += bytes.length;
    this.base.sendMessage(bytes, () => {
      this.#lastMs = performance.now();
      this.#unsentBytes -= bytes.length;
      if (this.#unsentBytes <= UNSENT_BYTES_MAX) this.#writer?.resolve();
    });
    if (this.#unsentBytes <= UNSENT_BYTES_MAX || this.isEnded) return;
    await new Promise<void>((resolve, reject) => {
      this.#writer = { resolve, reject };
    });
    this.#writer = undefined;
  }

  async #work<T>(run: () => Promise<T>): Promise<T> {
    const leave = await this.#served.inFlight.whenFree();
    try {
      return await run();
    } finally {
      leave();
    }
  }

  #watchIdleness(idleMaxMs: number): void {
    const leftMs = idleMaxMs - (performance.now() - this.#lastMs);
    if (leftMs <= 0) this.retire();
    else this.#after(leftMs, () => this.#watchIdleness(idleMaxMs));
  }

  #after(durationMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers = this.#timers.filter((each) => each !== timer);
      act();
    }, durationMs);
    this.#timers.push(timer);
  }
}

type Waiting<T> = { resolve(value: T): void; reject(error: RpcError): void };

/** A streaming method with the function behind it. */
export type ServedStream = {
  /** Full name without the slash. */
  readonly name: string;
  readonly method: AnyMethod;
  readonly handler: AnyStreamHandler;
  readonly deps: ServerCallDeps;
  readonly limits: Limits;
  readonly inFlight: InFlight;
};
