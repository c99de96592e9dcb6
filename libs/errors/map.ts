import type { Reason } from './reasons.ts';
import { RpcError } from './rpc-error.ts';

/** SQLSTATE → reason; https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SQLSTATES: Record<string, Reason> = {
  '40001': 'CONFLICT', // serialization_failure
  '40P01': 'CONFLICT', // deadlock_detected
  '55P03': 'OVERLOADED', // lock_not_available (lock_timeout)
  '57014': 'DEADLINE_EXCEEDED', // query_canceled (statement_timeout)
  '53100': 'STORAGE_FULL', // disk_full
  '53200': 'OVERLOADED', // out_of_memory
  '53300': 'DEPENDENCY_DOWN', // too_many_connections
  '57P01': 'DEPENDENCY_DOWN', // admin_shutdown
  '57P02': 'DEPENDENCY_DOWN', // crash_shutdown
  '57P03': 'DEPENDENCY_DOWN', // cannot_connect_now
  '25006': 'DEPENDENCY_DOWN', // read_only_sql_transaction: a standby after a switch-over
};

const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT', // a unix socket that is gone
]);

/** Any thrown value as an RpcError; what is not known becomes INTERNAL, with the cause kept. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof RpcError) return error;
  const code = codeOf(error);
  const reason = SQLSTATES[code] ?? reasonOfClass(code);
  return new RpcError(reason, { cause: error });
}

function reasonOfClass(code: string): Reason {
  // Class 08: connection exceptions.
  if (/^08[0-9A-Z]{3}$/.test(code) || SOCKET_CODES.has(code)) return 'DEPENDENCY_DOWN';
  return 'INTERNAL';
}

function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
