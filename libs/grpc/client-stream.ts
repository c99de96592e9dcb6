import * as grpc from '@grpc/grpc-js';
import { RpcError, tooMany } from '#libs/errors';
import { type AnyMethod, methodOf } from './definition.ts';
import { MESSAGE_BYTES_MAX } from './limits.ts';
import { fromServiceError, toServiceError } from './status.ts';

/**
 * The client's side of a stream: sends what `requests` yields, answers the responses as they
 * come. Pull in both directions, as on the server: a response is read when it is asked for, a
 * request taken when the one before it is on its way. Leaving the loop over it ends the stream.
 */
export class ClientStream implements AsyncIterableIterator<object>, grpc.InterceptingListener {
  readonly #call: ReturnType<grpc.ChannelInterface['createCall']>;
  readonly #method: AnyMethod;
  readonly #onEnd: (code: number) => void;
  #reader: { resolve(result: IteratorResult<object>): void; reject(error: RpcError): void };
  #end: { error: RpcError | undefined } | undefined;
  #reason: RpcError | undefined;

  constructor(options: ClientStreamOptions) {
    const { call, method, metadata, requests, onEnd } = options;
    this.#call = call;
    this.#method = method;
    this.#onEnd = onEnd;
    this.#reader = NOBODY;
    call.start(metadata, this);
    void this.#sendAll(requests).catch((error: unknown) => this.cancel(toRpcFault(error)));
  }

  next(): Promise<IteratorResult<object>> {
    return new Promise((resolve, reject) => {
      if (this.#end?.error !== undefined) reject(this.#end.error);
      else if (this.#end !== undefined) resolve({ done: true, value: undefined });
      else {
        this.#reader = { resolve, reject };
        this.#call.startRead();
      }
    });
  }

  async return(): Promise<IteratorResult<object>> {
    this.cancel(new RpcError('CALL_CANCELLED'));
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Ends the stream at once; whoever reads hears `reason`. */
  cancel(reason: RpcError): void {
    if (this.#end !== undefined) return;
    this.#reason ??= reason;
    this.#call.cancelWithStatus(grpc.status.CANCELLED, 'cancelled by its caller');
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(bytes: Buffer): void {
    const reader = this.#reader;
    this.#reader = NOBODY;
    try {
      reader.resolve({ done: false, value: this.#method.responseDeserialize(bytes) });
    } catch (cause) {
      const error = new RpcError('INTERNAL', { cause });
      reader.reject(error);
      this.cancel(error);
    }
  }

  onReceiveStatus(status: grpc.StatusObject): void {
    this.#onEnd(status.code);
    const error = this.#errorOf(status);
    this.#end = { error };
    const reader = this.#reader;
    this.#reader = NOBODY;
    if (error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(error);
  }

  #errorOf(status: grpc.StatusObject): RpcError | undefined {
    if (this.#reason !== undefined) return this.#reason;
    if (status.code === grpc.status.OK) return undefined;
    return fromServiceError(toServiceError(status), methodOf(this.#method.path));
  }

  get #isOver(): boolean {
    return this.#end !== undefined || this.#reason !== undefined;
  }

  async #sendAll(requests: Requests): Promise<void> {
    for await (const request of requests) {
      const bytes = this.#method.requestSerialize(request);
      if (bytes.length > MESSAGE_BYTES_MAX) {
        throw tooMany('message_bytes', bytes.length, MESSAGE_BYTES_MAX);
      }
      if (this.#isOver) return;
      await new Promise<void>((resolve) => {
        this.#call.sendMessageWithContext({ callback: () => resolve() }, bytes);
      });
    }
    if (!this.#isOver) this.#call.halfClose();
  }
}

function toRpcFault(error: unknown): RpcError {
  return error instanceof RpcError ? error : new RpcError('INTERNAL', { cause: error });
}

const NOBODY = { resolve() {}, reject() {} };

export type Requests = Iterable<object> | AsyncIterable<object>;

export type ClientStreamOptions = {
  call: ReturnType<grpc.ChannelInterface['createCall']>;
  method: AnyMethod;
  metadata: grpc.Metadata;
  requests: Requests;
  /** Called once, with the code of the end. */
  onEnd: (code: number) => void;
};
