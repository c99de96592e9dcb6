import { randomUUID } from 'node:crypto';
import {
  Metadata,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  status,
} from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { RpcError, toRpcError } from '#libs/errors';
import type { Logger } from '#libs/log';
import type { Arrival } from './admission.ts';
import type { CallContext, Identity } from './identity.ts';
import { fromBareStatus, toStatus } from './status.ts';
import { extractTrace, type Measuring, type StartMeasuring } from './telemetry.ts';

const REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * One call as the server sees it, from its metadata to its one log line. However many parties want
 * to end it (handler, deadline, caller, grpc-js itself), the first one wins and the rest is mute.
 *
 * It is also what grpc-js reports the call's events to, in the place of grpc-js' own handling of
 * the methods of a service: what that builds for each call costs more than all that stands here.
 */
export abstract class ServerCall implements CallListener {
  /** `queqiao.waybill.v1.WaybillService/IssueWaybills` */
  readonly method: string;
  /** Whether it may last: no deadline of the server's, its own limits. */
  readonly isStream: boolean = false;
  identity: Identity | undefined;
  /** Called when neither the caller nor the handler is waiting any more. Once. */
  onOver: (() => void) | undefined;
  protected readonly base: ServerInterceptingCallInterface;
  readonly #startMs = performance.now();
  readonly #deps: ServerCallDeps;
  readonly #send: ServerInterceptingCallInterface['sendStatus'];
  #abort: AbortController | undefined;
  #endError: RpcError | undefined;
  #metadata: Metadata | undefined;
  #requestId = '';
  #deadlineMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #measuring: Measuring | undefined;
  #isEnded = false;
  #isRunning = false;

  constructor(method: string, deps: ServerCallDeps, base: ServerInterceptingCallInterface) {
    this.method = method;
    this.#deps = deps;
    this.base = base;
    this.#send = base.sendStatus;
    // grpc-js answers messages that are too large, and the like, through this very method; taken
    // over here, they get details and a log line as everything else does.
    base.sendStatus = (answer) => this.sendStatus(answer);
  }

  /** The call was admitted: reads its body and serves it. */
  protected abstract serve(metadata: Metadata): void;
  abstract onReceiveMessage(bytes: Buffer): void;
  abstract onReceiveHalfClose(): void;

  /** Admits the call before a byte of its body is read. */
  onReceiveMetadata(metadata: Metadata): void {
    this.#metadata = metadata;
    const { startMeasuring, admit } = this.#deps;
    this.#measuring = startMeasuring?.(this.method, extractTrace(metadata));
    const { base } = this;
    const arrival: Arrival = {
      metadata,
      deadline: base.getDeadline(),
      peer: () => base.getPeer(),
      certificate: () => base.getAuthContext().sslPeerCertificate,
    };
    try {
      const admitted = admit(this, arrival);
      if (admitted === undefined) this.#begin(metadata);
      else void admitted.then(() => this.#begin(metadata)).catch((error) => this.fail(error));
    } catch (error) {
      this.fail(error);
    }
  }

  /** The caller left, or its connection broke. */
  onCancel(): void {
    if (this.#isEnded) return;
    const error = new RpcError('CALL_CANCELLED');
    this.#end(error.code, error);
    this.#abort?.abort(error);
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** From this time on the answer is DEADLINE_EXCEEDED. */
  endAt(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    const expire = () => this.fail(new RpcError('DEADLINE_EXCEEDED'));
    const leftMs = deadlineMs - Date.now();
    if (leftMs <= 0) expire();
    else this.#timer = setTimeout(expire, leftMs);
  }

  /** Runs a handler; what it throws ends the call. */
  protected async run(handler: (context: CallContext) => Promise<void>): Promise<void> {
    this.#isRunning = true;
    try {
      if (this.#measuring === undefined) await handler(this.context());
      else await context.with(this.#measuring.context, () => handler(this.context()));
    } catch (error) {
      if (!this.#isEnded) this.fail(error);
      else this.#reportLate(error);
    } finally {
      this.#isRunning = false;
      this.#leaveIfOver();
    }
  }

  /** Ends the call with an error. */
  fail(error: unknown): void {
    if (this.#isEnded) return;
    const rpcError = toRpcError(error);
    this.#end(rpcError.code, rpcError);
    const answer = toStatus(rpcError);
    // So that a person can name the log line of a call that failed.
    answer.metadata.set('x-request-id', this.requestId);
    this.#send.call(this.base, answer);
    this.#abort?.abort(rpcError);
  }

  /** Takes a status that is to be sent: OK after an answer, or a failure that grpc-js found. */
  sendStatus(answer: AnyStatus): void {
    if (this.#isEnded) return;
    const { code = status.UNKNOWN, details = '' } = answer;
    if (code === status.OK || this.#deps.isOpen) {
      this.#end(code);
      this.#send.call(this.base, answer);
    } else {
      this.fail(fromBareStatus(code, details, this));
    }
  }

  /** The caller's own name for the call, or one made here. */
  get requestId(): string {
    if (this.#requestId === '') {
      const given = String(this.#metadata?.get('x-request-id')[0] ?? '');
      this.#requestId = REQUEST_ID.test(given) ? given : randomUUID();
    }
    return this.#requestId;
  }

  /** Made when a handler asks for it: most never do, and it is a costly thing. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#endError !== undefined) this.#abort.abort(this.#endError);
    }
    return this.#abort.signal;
  }

  get deadline(): Date {
    return new Date(this.#deadlineMs);
  }

  /** The server is about to stop. */
  retire(): void {
    this.fail(new RpcError('DEPENDENCY_DOWN'));
  }

  /** Called when the call has ended, with the error if it was one. */
  protected ended(_error: RpcError | undefined): void {}

  /** Fields of the log line that only some calls have. */
  protected logFields(): object | undefined {
    return undefined;
  }

  protected context(): CallContext {
    if (this.identity === undefined) throw new Error('the call has not been admitted');
    return new HandlerContext(this, this.identity);
  }

  #begin(metadata: Metadata): void {
    if (!this.#isEnded) this.serve(metadata);
  }

  #end(code: number, error?: RpcError): void {
    this.#isEnded = true;
    this.#endError = error;
    clearTimeout(this.#timer);
    if (this.#measuring === undefined) this.#log(code, error);
    else context.with(this.#measuring.context, () => this.#log(code, error));
    this.#measuring?.end(code);
    this.ended(error);
    this.#leaveIfOver();
  }

  /** The one line of the call. Never metadata, never a body. */
  #log(code: number, error: RpcError | undefined): void {
    const { log, isOpen } = this.#deps;
    const level = levelOf(error, isOpen);
    if (!log.isLevelEnabled(level)) return;
    const fields: Record<string, unknown> = {
      method: this.method,
      code: status[code],
      reason: error?.reason ?? '',
      duration_ms: Math.round((performance.now() - this.#startMs) * 100) / 100,
      identity_kind: this.identity?.kind ?? '',
      identity_id: this.identity?.id ?? '',
      request_id: this.requestId,
      ...this.logFields(),
    };
    if (error?.reason === 'INTERNAL') fields['err'] = error.cause ?? error;
    if (error?.reason === 'DEPENDENCY_DOWN') fields['err'] = error.cause;
    log[level](fields, 'call');
  }

  /** A fault that shows only after the call was answered would else be seen by nobody. */
  #reportLate(error: unknown): void {
    const { reason, cause = error } = toRpcError(error);
    if (reason !== 'INTERNAL') return;
    const fields = { method: this.method, request_id: this.requestId, err: cause };
    this.#deps.log.warn(fields, 'handler failed after its call had ended');
  }

  #leaveIfOver(): void {
    if (!this.#isEnded || this.#isRunning) return;
    this.onOver?.();
    this.onOver = undefined;
  }
}

/** What a handler is told; what costs something to make is made when it is asked for. */
class HandlerContext implements CallContext {
  readonly identity: Identity;
  readonly #call: ServerCall;

  constructor(call: ServerCall, identity: Identity) {
    this.#call = call;
    this.identity = identity;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  get deadline(): Date {
    return this.#call.deadline;
  }

  get method(): string {
    return this.#call.method;
  }

  get requestId(): string {
    return this.#call.requestId;
  }
}

function levelOf(error: RpcError | undefined, isOpen: boolean): 'debug' | 'info' | 'warn' {
  if (error?.reason === 'INTERNAL') return 'warn';
  return isOpen ? 'debug' : 'info';
}

export const OK = { code: status.OK, details: 'OK', metadata: new Metadata() };

export type ServerCallDeps = {
  readonly log: Logger;
  /** A call of grpc's own health or reflection: it has its own errors, and its line is quiet. */
  readonly isOpen: boolean;
  /** Undefined while nobody listens to telemetry. */
  readonly startMeasuring: StartMeasuring | undefined;
  /** Throws or rejects with what the caller is answered. */
  readonly admit: (call: ServerCall, arrival: Arrival) => Promise<void> | undefined;
};

/** What grpc-js tells of a call. */
export type CallListener = Parameters<ServerInterceptingCallInterface['start']>[0];

/** A status as grpc-js passes it around. */
type AnyStatus = Parameters<ServerInterceptingCall['sendStatus']>[0];
