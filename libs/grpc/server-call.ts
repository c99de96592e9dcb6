import { randomUUID } from 'node:crypto';
import { type Metadata, type ServerInterceptingCall, status } from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { RpcError, toRpcError } from '#libs/errors';
import type { Logger } from '#libs/log';
import type { CallContext, Identity } from './identity.ts';
import { fromBareStatus, toStatus } from './status.ts';
import { extractTrace, type Measuring, type StartMeasuring } from './telemetry.ts';

const REQUEST_ID = /^[\w.-]{1,64}$/;

/**
 * One call as the server sees it, from its metadata to its one log line. However many parties want
 * to end it (handler, deadline, caller, grpc-js itself), the first one wins and the rest is mute.
 */
export class ServerCall {
  /** `queqiao.waybill.v1.WaybillService/IssueWaybills` */
  readonly method: string;
  identity: Identity | undefined;
  /** Called when neither the caller nor the handler is waiting any more. Once. */
  onOver: (() => void) | undefined;
  readonly #startMs = performance.now();
  readonly #abort = new AbortController();
  readonly #deps: ServerCallDeps;
  #requestId = '';
  #deadlineMs = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #measuring: Measuring | undefined;
  #isEnded = false;
  #isRunning = false;

  constructor(method: string, deps: ServerCallDeps) {
    this.method = method;
    this.#deps = deps;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Names the call and starts its span. */
  begin(metadata: Metadata): void {
    const given = String(metadata.get('x-request-id')[0] ?? '');
    this.#requestId = REQUEST_ID.test(given) ? given : randomUUID();
    this.#measuring = this.#deps.startMeasuring(this.method, extractTrace(metadata));
  }

  /** From this time on the answer is DEADLINE_EXCEEDED. */
  endAt(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    const expire = () => this.fail(new RpcError('DEADLINE_EXCEEDED'));
    const leftMs = deadlineMs - Date.now();
    if (leftMs <= 0) expire();
    else this.#timer = setTimeout(expire, leftMs);
  }

  /** Runs a handler and hands its answer to `answer`, if anybody is still there to get it. */
  async run(
    handler: (context: CallContext) => Promise<Buffer>,
    answer: (bytes: Buffer) => void,
  ): Promise<void> {
    this.#isRunning = true;
    try {
      const trace = this.#measuring?.context ?? context.active();
      const bytes = await context.with(trace, () => handler(this.#context()));
      if (!this.#isEnded) answer(bytes);
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
    answer.metadata.set('x-request-id', this.#requestId);
    this.#deps.send(answer);
    this.#abort.abort(rpcError);
  }

  /** The caller left, or its connection broke. */
  leave(): void {
    if (this.#isEnded) return;
    const error = new RpcError('CALL_CANCELLED');
    this.#end(error.code, error);
    this.#abort.abort(error);
  }

  /** Takes a status that grpc-js wants to send: OK after an answer, or a failure of its own. */
  sendStatus(answer: AnyStatus): void {
    if (this.#isEnded) return;
    const { code = status.UNKNOWN, details = '' } = answer;
    if (code === status.OK || this.#deps.isOpen) {
      this.#end(code);
      this.#deps.send(answer);
    } else {
      this.fail(fromBareStatus(code, details, this));
    }
  }

  #context(): CallContext {
    const { identity, method } = this;
    if (identity === undefined) throw new Error('the call has not been admitted');
    const deadline = new Date(this.#deadlineMs);
    const requestId = this.#requestId;
    return { identity, signal: this.#abort.signal, deadline, method, requestId };
  }

  #end(code: number, error?: RpcError): void {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    const line = () => this.#log(code, error);
    if (this.#measuring === undefined) line();
    else context.with(this.#measuring.context, line);
    this.#measuring?.end(code);
    this.#leaveIfOver();
  }

  /** The one line of the call. Never metadata, never a body. */
  #log(code: number, error: RpcError | undefined): void {
    const fields: Record<string, unknown> = {
      method: this.method,
      code: status[code],
      reason: error?.reason ?? '',
      duration_ms: Math.round((performance.now() - this.#startMs) * 100) / 100,
      identity_kind: this.identity?.kind ?? '',
      identity_id: this.identity?.id ?? '',
      request_id: this.#requestId,
    };
    if (error?.reason === 'INTERNAL') {
      this.#deps.log.warn({ ...fields, err: error.cause ?? error }, 'call');
    } else {
      if (error?.reason === 'DEPENDENCY_DOWN') fields['err'] = error.cause;
      this.#deps.log[this.#deps.isOpen ? 'debug' : 'info'](fields, 'call');
    }
  }

  /** A fault that shows only after the call was answered would else be seen by nobody. */
  #reportLate(error: unknown): void {
    const { reason, cause = error } = toRpcError(error);
    if (reason !== 'INTERNAL') return;
    const fields = { method: this.method, request_id: this.#requestId, err: cause };
    this.#deps.log.warn(fields, 'handler failed after its call had ended');
  }

  #leaveIfOver(): void {
    if (!this.#isEnded || this.#isRunning) return;
    this.onOver?.();
    this.onOver = undefined;
  }
}

export type ServerCallDeps = {
  readonly log: Logger;
  /** A call of grpc's own health or reflection: it has its own errors, and its line is quiet. */
  readonly isOpen: boolean;
  readonly startMeasuring: StartMeasuring;
  /** Sends a status to the caller. */
  readonly send: (answer: AnyStatus) => void;
};

/** A status as grpc-js passes it around. */
type AnyStatus = Parameters<ServerInterceptingCall['sendStatus']>[0];
