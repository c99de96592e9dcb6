import * as grpc from '@grpc/grpc-js';
import { invalid } from '#libs/errors';
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
import type { AnyHandler, ServiceImplementation } from './implement.ts';
import { DEFAULT_LIMITS, type Limits, serverChannelOptions } from './limits.ts';
import { RateLimits } from './rate-limits.ts';
import { reflection } from './reflection.ts';
import { METHOD_SCOPES } from './scopes.ts';
import { ServerCall } from './server-call.ts';
import type { Secret } from './service-token.ts';
import { openRunning, type RunningServer } from './stop.ts';
import { openTelemetry } from './telemetry.ts';

/** Ask about the server, not through it: no key, no place among the calls in flight, quiet logs. */
const OPEN_METHODS = /^grpc\.(health|reflection)\./;

/** Starts to serve. Throws one sentence if it cannot listen. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const inFlight = new InFlight(limits.inFlightMax);
  const servicesInFlight = new InFlight(limits.inFlightMax);
  const openStreams = new Set<ServerCall>();
  const calls = new WeakMap<grpc.Metadata, ServerCall>();
  const { authenticate, serviceSecret, scopes = METHOD_SCOPES, now = () => new Date() } = options;
  const rates = new RateLimits(limits);
  const inFlights = { inFlight, servicesInFlight };
  const rules = { authenticate, scopes, serviceSecret, limits, ...inFlights, rates, now };
  const server = new grpc.Server({
    ...serverChannelOptions(limits),
    interceptors: [interceptor({ rules, calls, openStreams, log: options.log })],
  });
  for (const service of options.services) addService(server, service, calls);
  const health = await addHealth(server, options);
  if (options.reflection) reflection(options.services.map(({ desc }) => desc)).addToServer(server);
  const address = await listen(server, options.listen);
  health?.start();
  return openRunning({ server, address, health, inFlight, openStreams });
}

/**
 * Stands between grpc-js and every method: makes the ServerCall, admits it before a byte of its
 * body is read, and sees every status that leaves.
 */
function interceptor({ rules, calls, openStreams, log }: InterceptorDeps): grpc.ServerInterceptor {
  const startMeasuring = openTelemetry('server');
  return ({ path, responseStream }, base) => {
    const method = methodOf(path);
    const isOpen = OPEN_METHODS.test(method);
    const send = base.sendStatus.bind(base);
    const call = new ServerCall(method, { log, isOpen, startMeasuring, send });
    // grpc-js answers messages that are too large, and the like, through this very method; taken
    // over here, they get details and a log line as everything else does.
    base.sendStatus = (status) => call.sendStatus(status);
    return new grpc.ServerInterceptingCall(base, {
      start(next) {
        next({
          onReceiveMetadata(metadata, forward) {
            call.begin(metadata);
            const arrival = { metadata, deadline: base.getDeadline(), peer: base.getPeer() };
            const admitted = isOpen ? admitOpen(call, arrival, rules) : admit(call, arrival, rules);
            admitted.then(
              () => {
                if (call.isEnded) return;
                calls.set(metadata, call);
                if (isOpen && responseStream) track(openStreams, call);
                forward(metadata);
              },
              (error: unknown) => call.fail(error),
            );
          },
          onCancel: () => call.leave(),
        });
      },
    });
  };
}

async function admitOpen(
  _call: ServerCall,
  { metadata }: { metadata: grpc.Metadata },
  { limits }: AdmissionRules,
): Promise<void> {
  refuseLargeMetadata(metadata, limits.metadataBytesMax);
}

function track(openStreams: Set<ServerCall>, call: ServerCall): void {
  openStreams.add(call);
  call.onOver = () => openStreams.delete(call);
}

function addService(
  server: grpc.Server,
  { desc, handlers, codecs }: ServiceImplementation,
  calls: WeakMap<grpc.Metadata, ServerCall>,
): void {
  const definition = serviceDefinition(desc, codecs);
  const adapters: grpc.UntypedServiceImplementation = {};
  const raw: Record<string, AnyMethod> = {};
  for (const [name, method] of Object.entries(definition)) {
    // Bytes go in and out: grpc-js would answer INTERNAL to a request that does not decode, and
    // tell nobody why a response did not encode.
    raw[name] = { ...method, requestDeserialize: asIs, responseSerialize: asIs };
    adapters[name] = adapt(method, handlers[name] as AnyHandler, calls);
  }
  server.addService(raw, adapters);
}

function adapt(
  method: AnyMethod,
  handler: AnyHandler,
  calls: WeakMap<grpc.Metadata, ServerCall>,
): grpc.handleUnaryCall<Buffer, Buffer> {
  return ({ request: bytes, metadata }, callback) => {
    const call = calls.get(metadata);
    if (call === undefined) throw new Error('a call came past the interceptor');
    void call.run(
      async (context) => {
        const request = decode(method, bytes);
        return method.responseSerialize(await handler(request, context));
      },
      (answer) => callback(null, answer),
    );
  };
}

function decode(method: AnyMethod, bytes: Buffer): unknown {
  try {
    return method.requestDeserialize(bytes);
  } catch {
    // Without the cause: it quotes what it choked on.
    throw invalid('request', 'NOT_TEXT');
  }
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

function listen(server: grpc.Server, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (cause, port) => {
      const [, why] = /errors: \[(.+)\]$/.exec(cause?.message ?? '') ?? [];
      if (cause)
        reject(new Error(`cannot listen on ${address}: ${why ?? cause.message}`, { cause }));
      else resolve(address.replace(/:\d+$/, `:${port}`));
    });
  });
}

type InterceptorDeps = {
  readonly rules: AdmissionRules;
  readonly calls: WeakMap<grpc.Metadata, ServerCall>;
  readonly openStreams: Set<ServerCall>;
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
  /** Default: METHOD_SCOPES. */
  scopes?: MethodScopes;
  limits?: Partial<Limits>;
  /** Without it there is no health service. The first check is made before listening. */
  health?: { check: HealthCheck; intervalMs?: number };
  /** Whether anybody may ask what the server offers. */
  reflection?: boolean;
  now?: Clock;
};
