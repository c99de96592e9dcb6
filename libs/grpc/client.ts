import type { DescService, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { context } from '@opentelemetry/api';
import { RpcError, tooMany } from '#libs/errors';
import type { Clock } from '#libs/run';
import { ClientStream, type Requests } from './client-stream.ts';
import {
  type AnyMethod,
  type Codecs,
  type MethodName,
  methodOf,
  serviceDefinition,
} from './definition.ts';
import type { CallContext } from './identity.ts';
import { clientChannelOptions, MESSAGE_BYTES_MAX } from './limits.ts';
import { SERVICE_BY_CERTIFICATE, type Secret, serviceTokens } from './service-token.ts';
import { fromServiceError, toServiceError } from './status.ts';
import { openTelemetry, type StartMeasuring, withTrace } from './telemetry.ts';
import {
  nameOfService,
  publicChannelCredentials,
  serviceChannelCredentials,
  type TlsFiles,
} from './tls.ts';

const DEFAULT_DEADLINE_MS = 10_000;

/**
 * A typed client of one service: `client.getWaybill({ waybillNumber })`. Rejects with an RpcError.
 * Make one for each server and keep it: it holds the connection. Calls that end UNAVAILABLE are
 * repeated, three attempts in all.
 */
export function createClient<Desc extends DescService>(
  desc: Desc,
  options: ClientOptions,
  codecs: Codecs<Desc> = {},
): Client<Desc> {
  const { security, settings } = channelOf(options);
  const channel = new grpc.Channel(options.address, security, settings);
  const deps: CallDeps = {
    channel,
    metadata: metadataSource(bearerOf(options.credentials)),
    deadlineMs: options.deadlineMs ?? DEFAULT_DEADLINE_MS,
    startMeasuring: openTelemetry('client', serverAttributes(options.address)),
  };
  const methods = Object.entries(serviceDefinition(desc, codecs)).map(([name, method]) => [
    name,
    method.responseStream
      ? (given: AsyncIterable<object> | object, call: CallOptions = {}) =>
          openStream(deps, method, {
            requests: method.requestStream ? (given as Requests) : [given],
            call,
          })
      : async (request: object, call: CallOptions = {}) => invoke(deps, method, { request, call }),
  ]);
  const close = () => channel.close();
  return { ...Object.fromEntries(methods), close, [Symbol.dispose]: close } as Client<Desc>;
}

function channelOf({ credentials = {}, caFile }: ClientOptions) {
  if ('certificate' in credentials) {
    const name = nameOfService(credentials.service);
    const security = serviceChannelCredentials(credentials.certificate);
    // Whatever its address, the other side must prove that it is this service.
    const settings = { ...clientChannelOptions(true), 'grpc.ssl_target_name_override': name };
    return { security, settings };
  }
  const security =
    caFile === undefined ? grpc.credentials.createInsecure() : publicChannelCredentials(caFile);
  return { security, settings: clientChannelOptions('serviceName' in credentials) };
}

function invoke(deps: CallDeps, method: AnyMethod, { request, call }: Invocation): Promise<object> {
  const bytes = method.requestSerialize(request);
  if (bytes.length > MESSAGE_BYTES_MAX) {
    throw tooMany('message_bytes', bytes.length, MESSAGE_BYTES_MAX);
  }
  for (const signal of signalsOf(call)) if (signal.aborted) throw toCancelled(signal.reason);
  const measuring = deps.startMeasuring?.(methodOf(method.path), context.active());
  let metadata = deps.metadata(call);
  if (measuring !== undefined) metadata = withTrace(measuring.context, metadata);
  const running = deps.channel.createCall(method.path, deadlineFor(deps, call), null, null, null);
  return new Promise((resolve, reject) => {
    const answer = new UnaryAnswer(method, (given) => {
      unlisten();
      measuring?.end(given instanceof RpcError ? given.code : grpc.status.OK);
      if (!(given instanceof RpcError)) resolve(given);
      else reject(reason === undefined ? given : toCancelled(reason));
    });
    // The channel itself, without what grpc-js puts around it for callbacks, interceptors and
    // event emitters: a tenth of a call.
    running.start(metadata, answer);
    running.sendMessageWithContext({}, bytes);
    running.halfClose();
    running.startRead();
    let reason: unknown;
    const unlisten = onAbort(signalsOf(call), (given) => {
      reason = given ?? new RpcError('CALL_CANCELLED');
      running.cancelWithStatus(grpc.status.CANCELLED, 'cancelled by its caller');
    });
  });
}

function openStream(
  deps: CallDeps,
  method: AnyMethod,
  { requests, call }: { requests: Requests; call: CallOptions },
): ClientStream {
  for (const signal of signalsOf(call)) if (signal.aborted) throw toCancelled(signal.reason);
  const measuring = deps.startMeasuring?.(methodOf(method.path), context.active());
  let metadata = deps.metadata(call);
  if (measuring !== undefined) metadata = withTrace(measuring.context, metadata);
  // A stream lasts until the server ends it; a deadline is for those who ask for one.
  const { deadlineMs = Number.POSITIVE_INFINITY } = call;
  const deadline = deadlineFor(deps, { ...call, deadlineMs });
  const stream = new ClientStream({
    call: deps.channel.createCall(method.path, deadline, null, null, null),
    method,
    metadata,
    requests,
    onEnd(code) {
      unlisten();
      measuring?.end(code);
    },
  });
  const unlisten = onAbort(signalsOf(call), (reason) => stream.cancel(toCancelled(reason)));
  return stream;
}

/** What grpc-js tells of one answer. */
class UnaryAnswer implements grpc.InterceptingListener {
  readonly #method: AnyMethod;
  readonly #end: (given: object | RpcError) => void;
  #bytes: Buffer | undefined;

  constructor(method: AnyMethod, end: (given: object | RpcError) => void) {
    this.#method = method;
    this.#end = end;
  }

  onReceiveMetadata(): void {}

  onReceiveMessage(bytes: Buffer): void {
    this.#bytes = bytes;
  }

  onReceiveStatus(status: grpc.StatusObject): void {
    this.#end(this.#read(status));
  }

  #read(status: grpc.StatusObject): object | RpcError {
    const name = methodOf(this.#method.path);
    if (status.code !== grpc.status.OK) return fromServiceError(toServiceError(status), name);
    try {
      if (this.#bytes === undefined) throw new Error(`${name} answered nothing`);
      return this.#method.responseDeserialize(this.#bytes);
    } catch (cause) {
      return new RpcError('INTERNAL', { cause });
    }
  }
}

/** The same metadata for all calls that say nothing of their own: making them costs. */
function metadataSource(bearer: () => string | undefined): CallDeps['metadata'] {
  let lastSecret: string | undefined;
  let plain = new grpc.Metadata();
  return ({ apiKey, parent }) => {
    const secret = apiKey ?? bearer();
    if (secret !== lastSecret) {
      plain = new grpc.Metadata();
      if (secret !== undefined) plain.set('authorization', `Bearer ${secret}`);
      lastSecret = secret;
    }
    if (parent === undefined) return plain;
    const metadata = plain.clone();
    metadata.set('x-request-id', parent.requestId);
    return metadata;
  };
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
  if (signal === undefined && parent === undefined) return NO_SIGNALS;
  return [signal, parent?.signal].filter((each) => each !== undefined);
}

const NO_SIGNALS: AbortSignal[] = [];

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
  // Says only that the certificate tells the rest.
  if ('certificate' in credentials) return () => SERVICE_BY_CERTIFICATE;
  const { apiKey } = credentials;
  return typeof apiKey === 'function' ? apiKey : () => apiKey;
}

function serverAttributes(address: string): Record<string, string | number> {
  const [, host, port] = /([^/]*):(\d+)$/.exec(address) ?? [];
  if (host === undefined) return { 'server.address': address };
  return { 'server.address': host, 'server.port': Number(port) };
}

type CallDeps = {
  readonly channel: grpc.ChannelInterface;
  /** Who calls, and on whose behalf. Not to be changed. */
  readonly metadata: (call: CallOptions) => grpc.Metadata;
  readonly deadlineMs: number;
  readonly startMeasuring: StartMeasuring | undefined;
};

type Invocation = { request: object; call: CallOptions };

/** One function for each method, named in camelCase. */
export type Client<Desc extends DescService> = {
  readonly [Name in UnaryName<Desc>]: (
    request: MessageInitShape<Desc['method'][Name]['input']>,
    options?: CallOptions,
  ) => Promise<MessageShape<Desc['method'][Name]['output']>>;
} & {
  /** Sends what `requests` yields; the answers come as the server gives them. */
  readonly [Name in BidiName<Desc>]: (
    requests: AsyncIterable<MessageInitShape<Desc['method'][Name]['input']>>,
    options?: CallOptions,
  ) => AsyncIterableIterator<MessageShape<Desc['method'][Name]['output']>>;
} & {
  /** The answers come as the server gives them. */
  readonly [Name in AnswersName<Desc>]: (
    request: MessageInitShape<Desc['method'][Name]['input']>,
    options?: CallOptions,
  ) => AsyncIterableIterator<MessageShape<Desc['method'][Name]['output']>>;
} & {
  /** Ends the connection; calls that are under way are cancelled. */
  close(): void;
  [Symbol.dispose](): void;
};

type AnswersName<Desc extends DescService> = {
  [Name in MethodName<Desc>]: Desc['method'][Name] extends { methodKind: 'server_streaming' }
    ? Name
    : never;
}[MethodName<Desc>];

type UnaryName<Desc extends DescService> = {
  [Name in MethodName<Desc>]: Desc['method'][Name] extends { methodKind: 'unary' } ? Name : never;
}[MethodName<Desc>];

type BidiName<Desc extends DescService> = {
  [Name in MethodName<Desc>]: Desc['method'][Name] extends { methodKind: 'bidi_streaming' }
    ? Name
    : never;
}[MethodName<Desc>];

export type ClientOptions = {
  /** Host and port. */
  address: string;
  credentials?: Credentials;
  /** Calls over TLS: PEM file of the authority to trust; '' trusts those that Node knows. */
  caFile?: string | undefined;
  /** Default 10 s. */
  deadlineMs?: number;
  /** Not the connection that other clients of this process have to the same server. */
  ownConnection?: boolean;
};

/**
 * An API key or token; the name of one of Queqiao's own services with the secret that they share;
 * or such a service's certificate, and the name of the service that it calls.
 */
export type Credentials =
  | { apiKey?: string | (() => string) }
  | { serviceName: string; secret: Secret; now?: Clock }
  | { certificate: TlsFiles; service: string };

export type CallOptions = {
  signal?: AbortSignal;
  deadlineMs?: number;
  /** Instead of the client's own credentials. */
  apiKey?: string;
  /** The call being served: its deadline, its end and its request id pass on. */
  parent?: Pick<CallContext, 'signal' | 'deadline' | 'requestId'>;
};
