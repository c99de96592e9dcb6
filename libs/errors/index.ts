// Errors that a caller can act on: one type, one table of reasons with codes and texts in Chinese
// and English, and the mapping of foreign errors (SQLSTATE, sockets) to it.
// Does not know gRPC or Postgres libraries; libs/grpc puts an RpcError on the wire.
export { fromItemError, reasonOf, toItemError } from './item.ts';
export { toRpcError } from './map.ts';
export type { Problem } from './problems.ts';
export { Code, REASONS, type Reason } from './reasons.ts';
export { invalid, RpcError, type RpcErrorOptions, tooMany } from './rpc-error.ts';
