import { type Metadata, type ServerInterceptingCallInterface, status } from '@grpc/grpc-js';
import { invalid } from '#libs/errors';
import type { AnyMethod } from './definition.ts';
import type { CallContext } from './identity.ts';
import type { AnyHandler } from './implement.ts';
import { type CallListener, OK, ServerCall, type ServerCallDeps } from './server-call.ts';

/** A call with one request and one answer. */
export class UnaryCall extends ServerCall {
  readonly #served: ServedMethod;
  #request: Buffer | undefined;

  constructor(served: ServedMethod, base: ServerInterceptingCallInterface) {
    super(served.name, served.deps, base);
    this.#served = served;
  }

  protected override serve(): void {
    this.base.startRead();
  }

  override onReceiveMessage(bytes: Buffer): void {
    if (this.#request !== undefined) {
      this.#refuse('a second request message');
      return;
    }
    this.#request = bytes;
    // For the caller's end of it.
    this.base.startRead();
  }

  override onReceiveHalfClose(): void {
    const request = this.#request;
    if (request === undefined) this.#refuse('no request message');
    else void this.run((context) => this.#answer(request, context));
  }

  async #answer(bytes: Buffer, context: CallContext): Promise<void> {
    const { method, handler } = this.#served;
    const request = decode(method, bytes);
    const answer = method.responseSerialize(await handler(request, context));
    if (this.isEnded) return;
    this.base.sendMessage(answer, ignore);
    this.sendStatus(OK);
  }

  #refuse(received: string): void {
    this.sendStatus({ code: status.UNIMPLEMENTED, details: `received ${received}` });
  }
}

/** A call of grpc's own health or reflection, which grpc-js itself serves. */
export class OpenCall extends ServerCall {
  readonly #listener: CallListener;

  constructor(
    method: string,
    deps: ServerCallDeps,
    { base, listener }: { base: ServerInterceptingCallInterface; listener: CallListener },
  ) {
    super(method, deps, base);
    this.#listener = listener;
  }

  protected override serve(metadata: Metadata): void {
    this.#listener.onReceiveMetadata(metadata);
  }

  override onReceiveMessage(bytes: Buffer): void {
    this.#listener.onReceiveMessage(bytes);
  }

  override onReceiveHalfClose(): void {
    this.#listener.onReceiveHalfClose();
  }

  override onCancel(): void {
    super.onCancel();
    this.#listener.onCancel();
  }
}

/** The message in `bytes`; the caller's fault if they are none. */
export function decode(method: AnyMethod, bytes: Buffer): unknown {
  try {
    return method.requestDeserialize(bytes);
  } catch {
    // Without the cause: it quotes what it choked on.
    throw invalid('request', 'NOT_TEXT');
  }
}

function ignore(): void {}

/** A method of a service with the function behind it. */
export type ServedMethod = {
  /** Full name without the slash. */
  readonly name: string;
  readonly method: AnyMethod;
  readonly handler: AnyHandler;
  readonly deps: ServerCallDeps;
};
