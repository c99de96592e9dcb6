import type { PeerCertificate } from 'node:tls';
import type { Deadline, Metadata } from '@grpc/grpc-js';
import { RpcError, tooMany } from '#libs/errors';
import type { Clock } from '#libs/run';
import { addressOfPeer, isAddressIn } from './address.ts';
import type { Identity } from './identity.ts';
import { HOP_MS, type Limits } from './limits.ts';
import type { OpenStreams } from './open-streams.ts';
import type { RateLimits } from './rate-limits.ts';
import { KIND_SCOPES, METHOD_SERVICES } from './scopes.ts';
import type { ServerCall } from './server-call.ts';
import { SERVICE_TOKEN_PREFIX, type Secret, verifyServiceToken } from './service-token.ts';
import { serviceIn } from './tls.ts';

/** Made once: who is overloaded has no time for thousands of stacks a second that nobody reads. */
const BUSY = new RpcError('OVERLOADED', { retryAfterMs: 200 });

/**
 * What every call passes before its body is read, cheapest check first. Throws what the caller is
 * answered.
 */
export function admit(
  call: ServerCall,
  { metadata, deadline, peer, certificate }: Arrival,
  rules: AdmissionRules,
): Promise<void> | undefined {
  const { limits } = rules;
  refuseLargeMetadata(metadata, limits.metadataBytesMax);
  // A stream has its own end, see StreamCall.
  const durationMaxMs = call.isStream ? Number.POSITIVE_INFINITY : limits.deadlineMaxMs;
  call.endAt(shortened(deadline, durationMaxMs, Date.now()));
  if (call.isEnded) return undefined;
  // A call being served may need an answer of our own services: they never wait behind it.
  if (isFromService(metadata)) rules.servicesInFlight.enter(call);
  else rules.inFlight.enter(call);
  const identity = identify({ metadata, certificate }, rules);
  if (identity instanceof Promise)
    return identity.then((known) => admitAs(call, { identity: known, peer }, rules));
  admitAs(call, { identity, peer }, rules);
  return undefined;
}

function admitAs(
  call: ServerCall,
  { identity, peer }: { identity: Identity; peer: () => string },
  rules: AdmissionRules,
): void {
  call.identity = identity;
  checkAddress(identity, peer);
  const scope = checkScope(call.method, identity, rules.scopes);
  if (identity.kind === 'service') checkService(call.method, identity.id);
  rules.rates.take(identity, scope);
  if (!call.isStream || call.isEnded) return;
  // Open, it only waits; what it sends takes a place when it is worked on, see StreamContext.
  call.onOver?.();
  call.onOver = undefined;
  rules.streams.enter(call);
}

/** By the look of its token, which is checked right after: a false one holds no place for long. */
function isFromService(metadata: Metadata): boolean {
  const [header = ''] = metadata.get('authorization');
  return header.toString().startsWith(`Bearer ${SERVICE_TOKEN_PREFIX}`);
}

/** HTTP/2 itself sets no limit here: grpc-js advertises 4 GiB. */
export function refuseLargeMetadata(metadata: Metadata, bytesMax: number): void {
  let bytes = 0;
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    for (const value of values) bytes += name.length + value.length;
  }
  if (bytes > bytesMax) throw tooMany('metadata_bytes', bytes, bytesMax);
}

/** The time in ms by which an answer must leave, for a call that came with `deadline`. */
export function shortened(deadline: Deadline, maxMs: number, nowMs: number): number {
  return Math.min(Number(deadline) - HOP_MS, nowMs + maxMs);
}

function identify(
  { metadata, certificate }: Pick<Arrival, 'metadata' | 'certificate'>,
  rules: AdmissionRules,
): Identity | Promise<Identity> {
  const [header, second] = metadata.get('authorization');
  const [, secret] = /^Bearer +([\x21-\x7e]+)$/i.exec(String(header ?? '')) ?? [];
  if (secret === undefined || second !== undefined) throw new RpcError('API_KEY_MISSING');
  if (!secret.startsWith(SERVICE_TOKEN_PREFIX)) return rules.authenticate(secret);
  // Where services have certificates, a secret that they share is worth nothing.
  if (rules.hasServiceCertificates) return serviceOf(certificate());
  if (rules.serviceSecret === undefined) return rules.authenticate(secret);
  return verifyServiceToken(rules.serviceSecret, secret, rules.now());
}

function serviceOf(certificate: PeerCertificate | undefined): Identity {
  const id = certificate && serviceIn(certificate);
  if (id === undefined) throw new RpcError('CERTIFICATE_MISSING');
  return { kind: 'service', id, scopes: KIND_SCOPES.service, keyId: 'certificate' };
}

function checkAddress({ addresses }: Identity, peer: () => string): void {
  if (addresses === undefined) return;
  const address = addressOfPeer(peer());
  if (!isAddressIn(address, addresses)) {
    throw new RpcError('ADDRESS_NOT_ALLOWED', { metadata: { address } });
  }
}

/**
 * Answers the scope that the method asks for. The kind is checked as well: a key made before its
 * kind lost a scope does not keep it.
 */
function checkScope(method: string, { kind, scopes }: Identity, table: MethodScopes): string {
  const scope = table[method];
  if (scope === undefined) throw new RpcError('SCOPE_MISSING', { metadata: { scope: 'none' } });
  if (!scopes.has(scope) || !KIND_SCOPES[kind].has(scope)) {
    throw new RpcError('SCOPE_MISSING', { metadata: { scope } });
  }
  return scope;
}

/** A service calls what it has to, not all that services may. */
function checkService(method: string, service: string): void {
  if (!METHOD_SERVICES[method]?.includes(service)) {
    throw new RpcError('SERVICE_NOT_ALLOWED', { metadata: { service } });
  }
}

/**
 * Counts the calls being served. A call leaves when it has been answered and its handler has
 * returned: one that runs on past its deadline still costs.
 */
export class InFlight {
  readonly #max: number;
  #count = 0;
  #idle: (() => void)[] = [];
  readonly #waiting: (() => void)[] = [];

  constructor(max: number) {
    this.#max = max;
  }

  /** Resolves to the way out when there is a place, in the order of asking. */
  async whenFree(): Promise<() => void> {
    if (this.#count < this.#max) this.#count += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return () => this.#leave();
  }

  enter(call: ServerCall): void {
    if (this.#count >= this.#max) throw BUSY;
    this.#count += 1;
    call.onOver = () => this.#leave();
  }

  /** Resolves when no call is being served. */
  untilIdle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#count === 0) resolve();
      else this.#idle.push(resolve);
    });
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      // The place passes on.
      next();
      return;
    }
    this.#count -= 1;
    if (this.#count > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** What is known of a call before its body. */
export type Arrival = {
  metadata: Metadata;
  deadline: Deadline;
  /** Address and port at the other end of the connection. */
  peer: () => string;
  /** What the other end showed, if it is good and of the authority that we trust. */
  certificate: () => PeerCertificate | undefined;
};

/** Whom a secret speaks for, at once where that is known; API_KEY_INVALID if for nobody. */
export type Authenticate = (secret: string) => Promise<Identity> | Identity;

/** Full method name → scope. */
export type MethodScopes = Readonly<Record<string, string>>;

export type AdmissionRules = {
  readonly authenticate: Authenticate;
  readonly scopes: MethodScopes;
  readonly serviceSecret: Secret | undefined;
  /** Services prove themselves by certificates, not by the secret. */
  readonly hasServiceCertificates: boolean;
  readonly limits: Limits;
  readonly inFlight: InFlight;
  /** Of calls by our own services. */
  readonly servicesInFlight: InFlight;
  readonly streams: OpenStreams;
  readonly rates: RateLimits;
  readonly now: Clock;
};
