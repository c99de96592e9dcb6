import type { DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { RpcError, tooMany } from '#libs/errors';
import type { Clock } from '#libs/run';
import { type AnyMethod, type MethodName, methodOf, serviceDefinition } from './definition.ts';
import type { CallContext } from './identity.ts';
import { clientChannelOptions, MESSAGE_BYTES_MAX } from './limits.ts';
import { type Secret, serviceTokens } from './service-token.ts';
import { fromServiceError } from './status.ts';
import { injectTrace, openTelemetry, type StartMeasuring } from './telemetry.ts';

const DEFAULT_DEADLINE_MS = 10_000;

/**
 * A typed client of one service: `client.getWaybill({ waybillNumber })`. Rejects with an RpcError.
 * Make one for each server and keep it: it holds the connection. Calls that end UNAVAILABLE are
 * repeated, three attempts in all.
 */
export function createClient<Desc extends DescService>(
  desc: Desc,
  options: ClientOptions,
): Client<Desc> {
  const insecure = grpc.credentials.createInsecure();
  const isService = options.credentials !== undefined && 'serviceName' in options.credentials;
  const channel = new grpc.Client(options.address, insecure, clientChannelOptions(isService));
  const deps: CallDeps = {
    channel,
    bearer: bearerOf(options.credentials),
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    startMeasuring: openTelemetry('client', serverAttributes(options.address)),
  };
  const methods = Object.entries(serviceDefinition(desc))
    .filter(([, { requestStream, responseStream }]) => !requestStream && !responseStream)
    .map(([name, method]) => [
      name,
      async (request: object, call: CallOptions = {}) => invoke(deps, method, { request, call }),
    ]);
  const close = () => channel.close();
  return { ...Object.fromEntries(methods), close, [Symbol.dispose]: close } as Client<Desc>;
}

function invoke(deps: CallDeps, method: AnyMethod, { request, call }: Invocation): Promise<object> {
  const bytes = method.requestSerialize(request);
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw tooMany('message_bytes', bytes.length, MESSAGE_BYTES_MAX);
  }
  for (const signal of signalsOf(call)) if (signal.aborted) throw toCancelled(signal.reason);
  const name = methodOf(method.path);
  const measuring = deps.startMeasuring(name, context.active());
  const metadata = metadataFor(deps, call);
  injectTrace(measuring.context, metadata);
  const deadline = deadlineFor(deps, call);
  return new Promise((resolve, reject) => {
    let reason: unknown;
    const running = deps.channel.makeUnaryRequest(
      method.path,
      (encoded: Buffer) => encoded,
      method.responseDeserialize,
      bytes,
      metadata,
      { deadline },
      (error, response) => {
        unlisten();
        measuring.end(error?.code ?? grpc.status.OK);
        if (error === null) resolve(response);
        else if (reason !== undefined) reject(toCancelled(reason));
        else reject(fromServiceError(error, name));
      },
    );
    const unlisten = onAbort(signalsOf(call), (given) => {
      reason = given ?? new RpcError('CALL_CANCELLED');
      running.cancel();
    });
  });
}

function metadataFor({ bearer }: CallDeps, { apiKey, parent }: CallOptions): grpc.Metadata {
  const metadata = new grpc.Metadata();
  const secret = apiKey ?? bearer();
  if (secret !== undefined) metadata.set('authorization', `Bearer ${secret}`);
  if (parent) metadata.set('x-request-id', parent.requestId);
  return metadata;
}

/** The parent's deadline is already shorter than its caller's: the server took 20 ms off it. */
function deadlineFor(
  deps: CallDeps,
  { deadlineMs = deps.deadlineMs, parent }: CallOptions,
): number {
  const ownMs = Date.now() + deadlineMs;
  return parent ? Math.min(ownMs, parent.deadline.getTime()) : ownMs;
}

function signalsOf({ signal, parent }: CallOptions): AbortSignal[] {
  return [signal, parent?.signal].filter((each) => each !== undefined);
}

function onAbort(signals: AbortSignal[], react: (reason: unknown) => void): () => void {
  const listeners = signals.map((signal) => {
    const listener = () => react(signal.reason);
    signal.addEventListener('abort', listener);
    return () => signal.removeEventListener('abort', listener);
  });
  return () => {
    for (const remove of listeners) remove();
  };
}

/** A parent that ran out of time or was left by its caller says so in its own words. */
function toCancelled(reason: unknown): RpcError {
  return reason instanceof RpcError ? reason : new RpcError('CALL_CANCELLED', { cause: reason });
}

function bearerOf(credentials: Credentials = {}): () => string | undefined {
  if ('serviceName' in credentials) {
    const { secret, serviceName, now = () => new Date() } = credentials;
    return serviceTokens(secret, serviceName, now);
  }
  const { apiKey } = credentials;
  return typeof apiKey === 'function' ? apiKey : () => apiKey;
}

function serverAttributes(address: string): Record<string, string | number> {
  const [, host, port] = /([^/]*):(\d+)$/.exec(address) ?? [];
  if (host === undefined) return { 'server.address': address };
  return { 'server.address': host, 'server.port': Number(port) };
}

type CallDeps = {
  readonly channel: grpc.Client;
  readonly bearer: () => string | undefined;
  readonly deadlineMs: number;
  readonly startMeasuring: StartMeasuring;
};

type Invocation = { request: object; call: CallOptions };

/** One function for each unary method, named in camelCase. */
export type Client<Desc extends DescService> = {
  readonly [Name in UnaryName<Desc>]: (
    request: MessageInitShape<Desc['method'][Name]['input']>,
    options?: CallOptions,
  ) => Promise<MessageShape<Desc['method'][Name]['output']>>;
} & {
  /** Ends the connection; calls that are under way are cancelled. */
  close(): void;
  [Symbol.dispose](): void;
};

type UnaryName<Desc extends DescService> = {
  [Name in MethodName<Desc>]: Desc['method'][Name] extends { methodKind: 'unary' } ? Name : never;
}[MethodName<Desc>];

export type ClientOptions = {
  /** Host and port. */
  address: string;
  credentials?: Credentials;
  /** Default 10 s. */
  deadlineMs?: number;
};

/** An API key, or the name of one of Queqiao's own services with the secret that they share. */
export type Credentials =
  | { apiKey?: string | (() => string) }
  | { serviceName: string; secret: Secret; now?: Clock };

export type CallOptions = {
  signal?: AbortSignal;
  deadlineMs?: number;
  /** Instead of the client's own credentials. */
  apiKey?: string;
  /** The call being served: its deadline, its end and its request id pass on. */
  parent?: Pick<CallContext, 'signal' | 'deadline' | 'requestId'>;
};
