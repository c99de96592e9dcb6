import * as grpc from '@grpc/grpc-js';
import type { Logger } from '#libs/log';
import type { Clock } from '#libs/run';
import {
  type AdmissionRules,
  type Authenticate,
  admit,
  InFlight,
  type MethodScopes,
  refuseLargeMetadata,
} from './admission.ts';
import { type AnyMethod, methodOf, serviceDefinition } from './definition.ts';
import { Health, type HealthCheck } from './health.ts';
import { type AnyAnswerHandler, forOneRequest, type ServiceImplementation } from './implement.ts';
import { DEFAULT_LIMITS, type Limits, serverChannelOptions } from './limits.ts';
import { OpenStreams } from './open-streams.ts';
import { RateLimits } from './rate-limits.ts';
import { reflection } from './reflection.ts';
import { METHOD_SCOPES } from './scopes.ts';
import type { ServerCall, ServerCallDeps } from './server-call.ts';
import type { Secret } from './service-token.ts';
import { openRunning, type RunningServer } from './stop.ts';
import { type ServedStream, StreamCall } from './stream-call.ts';
import { openTelemetry } from './telemetry.ts';
import { serverCredentials, type TlsFiles } from './tls.ts';
import { OpenCall, type ServedMethod, UnaryCall } from './unary-call.ts';

/** Starts to serve. Throws one sentence if it cannot listen. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const inFlight = new InFlight(limits.inFlightMax);
  const servicesInFlight = new InFlight(limits.inFlightMax);
  const { authenticate, serviceSecret, scopes = METHOD_SCOPES, now = () => new Date() } = options;
  const streams = new OpenStreams(limits.streamsPerIdentityMax);
  const rates = new RateLimits(limits);
  const places = { inFlight, servicesInFlight, streams, rates };
  const hasServiceCertificates = options.tls?.caFile !== undefined;
  const known = { authenticate, serviceSecret, hasServiceCertificates };
  const rules = { ...known, scopes, limits, ...places, now };
  const { services, log } = options;
  const server = new grpc.Server({
    ...serverChannelOptions(limits),
    interceptors: [interceptor({ rules, services, log })],
  });
  for (const service of services) addService(server, service);
  const health = await addHealth(server, options);
  if (options.reflection) reflection(services.map(({ desc }) => desc)).addToServer(server);
  const address = await listen(server, options);
  health?.start();
  return openRunning({ server, address, health, inFlight, streams });
}

/**
 * Stands between grpc-js and every method: makes the ServerCall, which admits the call before a
 * byte of its body is read, serves it, and sees every status that leaves.
 */
function interceptor({ rules, log, services }: InterceptorDeps): grpc.ServerInterceptor {
  const startMeasuring = openTelemetry('server');
  const deps: ServerCallDeps = {
    log,
    startMeasuring,
    isOpen: false,
    admit: (call, arrival) => admit(call, arrival, rules),
  };
  const methods = servedMethods(services, { ...rules, deps });
  // Only grpc's own health and reflection are not in the map. They ask about the server, not
  // through it: no key, no place among the calls in flight, quiet logs.
  const open: ServerCallDeps = {
    log,
    startMeasuring,
    isOpen: true,
    admit(call, { metadata }) {
      refuseLargeMetadata(metadata, rules.limits.metadataBytesMax);
      rules.streams.watch(call);
      return undefined;
    },
  };
  return ({ path }, base) => {
    const serve = methods.get(path);
    const start = base.start.bind(base);
    base.start = (listener) => {
      if (serve !== undefined) start(serve(base));
      else start(new OpenCall(methodOf(path), open, { base, listener }));
    };
    // Two of its methods replaced, it is what grpc-js' own interceptors would wrap once more.
    return base as grpc.ServerInterceptingCall;
  };
}

/** The methods of all services by their paths. */
function servedMethods(
  services: readonly ServiceImplementation[],
  common: Pick<ServedStream, 'deps' | 'limits' | 'inFlight'>,
): ReadonlyMap<string, Serve> {
  const methods = new Map<string, Serve>();
  for (const { desc, handlers, codecs } of services) {
    for (const [name, method] of Object.entries(serviceDefinition(desc, codecs))) {
      const served = { ...common, name: methodOf(method.path), method, handler: handlers[name] };
      methods.set(method.path, serving(served as ServedMethod | ServedStream));
    }
  }
  return methods;
}

function serving(served: ServedMethod | ServedStream): Serve {
  const { requestStream, responseStream } = served.method;
  if (!responseStream) return (base) => new UnaryCall(served as ServedMethod, base);
  if (requestStream) return (base) => new StreamCall(served as ServedStream, base);
  const handler = forOneRequest(served.handler as AnyAnswerHandler);
  return (base) => new StreamCall({ ...(served as ServedStream), handler }, base);
}

type Serve = (base: grpc.ServerInterceptingCallInterface) => ServerCall;

/** Makes the methods known to grpc-js, which takes bytes in and out: ServerCall does the rest. */
function addService(server: grpc.Server, { desc }: ServiceImplementation): void {
  const raw: Record<string, AnyMethod> = {};
  const never: grpc.UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(serviceDefinition(desc))) {
    raw[name] = { ...method, requestDeserialize: asIs, responseSerialize: asIs };
    never[name] = () => {
      throw new Error('a call came past the interceptor');
    };
  }
  server.addService(raw, never);
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

async function addHealth(
  server: grpc.Server,
  { health, services, log }: ServerOptions,
): Promise<Health | undefined> {
  if (health === undefined) return undefined;
  const names = services.map(({ desc }) => desc.typeName);
  const opened = new Health({ intervalMs: 2_000, ...health, services: names, log });
  opened.addToServer(server);
  await opened.poll();
  return opened;
}

function listen(server: grpc.Server, { listen: address, tls }: ServerOptions): Promise<string> {
  const credentials = serverCredentials(tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (cause, port) => {
      const [, why] = /errors: \[(.+)\]$/.exec(cause?.message ?? '') ?? [];
      if (cause)
        reject(new Error(`cannot listen on ${address}: ${why ?? cause.message}`, { cause }));
      else resolve(address.replace(/:\d+$/, `:${port}`));
    });
  });
}

type InterceptorDeps = {
  readonly rules: AdmissionRules;
  readonly services: readonly ServiceImplementation[];
  readonly log: Logger;
};

export type ServerOptions = {
  /** Host and port; port 0 takes a free one. */
  listen: string;
  services: readonly ServiceImplementation[];
  authenticate: Authenticate;
  log: Logger;
  /** Shared by Queqiao's own services; without it no service token is accepted. */
  serviceSecret?: Secret;
  /** Serves over TLS. With a CA, services prove themselves by certificates instead. */
  tls?: TlsFiles | undefined;
  /** Default: METHOD_SCOPES. */
  scopes?: MethodScopes;
  limits?: Partial<Limits>;
  /** Without it there is no health service. The first check is made before listening. */
  health?: { check: HealthCheck; intervalMs?: number };
  /** Whether anybody may ask what the server offers. */
  reflection?: boolean;
  now?: Clock;
};
