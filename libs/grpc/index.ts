// gRPC as Queqiao speaks it: typed servers and clients over grpc-js, one admission for every call
// (limits, identity, scope, deadline), errors with reasons, telemetry, health, reflection, stop.
// Knows no service's rules and no database; who owns a key is asked through `authenticate`.
export { addressesIn, isCidr } from './address.ts';
export type { Authenticate, MethodScopes } from './admission.ts';
export {
  type CallOptions,
  type Client,
  type ClientOptions,
  type Credentials,
  createClient,
} from './client.ts';
export { type Codec, type Codecs, serviceDefinition } from './definition.ts';
export type { HealthCheck } from './health.ts';
export type { CallContext, CallLimits, Identity, IdentityKind, StreamContext } from './identity.ts';
export { type Handlers, implement, type ServiceImplementation } from './implement.ts';
export type { Limits } from './limits.ts';
export { KIND_SCOPES, METHOD_SCOPES, METHOD_SERVICES, RATE_CLASSES, type Scope } from './scopes.ts';
export { type ServerOptions, startServer } from './server.ts';
export { serviceToken, verifyServiceToken } from './service-token.ts';
export type { RunningServer } from './stop.ts';
export type { TlsFiles } from './tls.ts';
