import { serializeError } from './error.ts';

/** Fields that never reach a log, wherever they stand. */
const HIDDEN: ReadonlySet<string> = new Set([
  // Secrets.
  'authorization',
  'apiKey',
  'api_key',
  'secret',
  'password',
  'pepper',
  'token',
  'cookie',
  'metadata',
  // Bodies.
  'request',
  'response',
  'body',
  'payload',
  'parcels',
  'values',
  // People.
  'consignee',
  'consignor',
  'phone',
  'address',
  'street',
  'detail',
  'remark',
]);
const ERRORS: ReadonlySet<string> = new Set(['err', 'error', 'cause']);
const DEPTH_MAX = 5;

/**
 * The fields of a line as they may be written: what is hidden is named but not shown, errors keep
 * what is harmless, bytes are counted. A walk of our own, because redaction by pino's list of paths
 * took an eighth of the time of a short call.
 */
export function redact(fields: object, depth = 0): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    // A person's name and the logger's own have the same key; the latter stands on top.
    const isHidden = HIDDEN.has(name) || (name === 'name' && depth > 0);
    if (isHidden) line[name] = '[redacted]';
    else line[name] = ERRORS.has(name) ? serializeError(value) : redactValue(value, depth + 1);
  }
  return line;
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Error) return serializeError(value);
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (depth > DEPTH_MAX) return '[deeper]';
  if (Array.isArray(value)) return value.map((each: unknown) => redactValue(each, depth + 1));
  return redact(value, depth);
}
