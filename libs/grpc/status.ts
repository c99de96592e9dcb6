import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, anyUnpack, durationFromMs, durationMs } from '@bufbuild/protobuf/wkt';
import {
  status as grpcStatus,
  Metadata,
  type ServiceError,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  invalid,
  REASONS,
  type Reason,
  RpcError,
  type RpcErrorOptions,
  tooMany,
} from '#libs/errors';
import {
  BadRequestSchema,
  ErrorInfoSchema,
  LocalizedMessageSchema,
  RetryInfoSchema,
} from '#proto/google/rpc/error_details';
import { StatusSchema } from '#proto/google/rpc/status';

const DOMAIN = 'queqiao';
const DETAILS = 'grpc-status-details-bin';
const CHINESE = 'zh-CN';

/** An error as the status of a call: google.rpc details carry everything but the cause. */
export function toStatus(error: RpcError): CallStatus {
  const metadata = new Metadata();
  const { code } = error;
  const message = wellFormed(error.textEn);
  metadata.set(DETAILS, encoded(error, message));
  return { code, details: message, metadata };
}

/** The same error may be the answer to many calls. */
function encoded(error: RpcError, message: string): Buffer {
  let bytes = ENCODED.get(error);
  if (bytes === undefined) {
    const status = create(StatusSchema, { code: error.code, message, details: details(error) });
    bytes = Buffer.from(toBinary(StatusSchema, status));
    ENCODED.set(error, bytes);
  }
  return bytes;
}

const ENCODED = new WeakMap<RpcError, Buffer>();

/** A failure in the form that grpc-js gives to callers. */
export function toServiceError(status: StatusObject): ServiceError {
  const { code, details } = status;
  return Object.assign(new Error(`${code} ${grpcStatus[code]}: ${details}`), status);
}

/** What a client's call failed with, rebuilt from the status; `method` is its full name. */
export function fromServiceError(error: ServiceError, method: string): RpcError {
  const [bytes] = error.metadata?.get(DETAILS) ?? [];
  const rebuilt = Buffer.isBuffer(bytes) ? rebuild(bytes, error) : undefined;
  return rebuilt ?? fromBareStatus(error.code, error.details, { method, cause: error });
}

/**
 * The reason behind a status without details: made by grpc-js, by a proxy or by a server that is
 * not ours. INTERNAL for codes that say nothing without a reason.
 */
export function fromBareStatus(
  code: number,
  text: string,
  { method, cause }: BareOptions,
): RpcError {
  if (code === grpcStatus.RESOURCE_EXHAUSTED) {
    const [, given, allowed] = /larger than max \((\d+) vs\.? (\d+)\)/.exec(text) ?? [];
    if (given !== undefined) return tooMany('message_bytes', Number(given), Number(allowed));
    // A compressed message: unpacking stops at the limit, so it is known to be larger by one.
    const [, limit] = /a size larger than (\d+)/.exec(text) ?? [];
    if (limit !== undefined) return tooMany('message_bytes', Number(limit) + 1, Number(limit));
  }
  if (text.startsWith('Invalid grpc-timeout')) return invalid('grpc-timeout', 'UNKNOWN_VALUE');
  if (text.startsWith('Failed to decompress')) return invalid('request', 'NOT_TEXT');
  const metadata: Record<string, string> = {};
  if (code === grpcStatus.UNIMPLEMENTED) metadata['method'] = method;
  if (code === grpcStatus.PERMISSION_DENIED) metadata['scope'] = 'unknown';
  return new RpcError(BARE_REASONS[code] ?? 'INTERNAL', { metadata, cause });
}

const BARE_REASONS: Readonly<Record<number, Reason>> = {
  [grpcStatus.CANCELLED]: 'CALL_CANCELLED',
  [grpcStatus.DEADLINE_EXCEEDED]: 'DEADLINE_EXCEEDED',
  [grpcStatus.PERMISSION_DENIED]: 'SCOPE_MISSING',
  [grpcStatus.RESOURCE_EXHAUSTED]: 'OVERLOADED',
  [grpcStatus.ABORTED]: 'CONFLICT',
  [grpcStatus.UNIMPLEMENTED]: 'METHOD_UNKNOWN',
  [grpcStatus.UNAVAILABLE]: 'DEPENDENCY_DOWN',
  [grpcStatus.UNAUTHENTICATED]: 'API_KEY_INVALID',
};

function details(error: RpcError): Any[] {
  const { reason, field, retryAfterMs } = error;
  const metadata = Object.fromEntries(
    Object.entries(error.metadata).map(([name, value]) => [name, wellFormed(value)]),
  );
  const chinese = { locale: CHINESE, message: wellFormed(error.textZh) };
  const packed = [
    anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { reason, domain: DOMAIN, metadata })),
    anyPack(LocalizedMessageSchema, create(LocalizedMessageSchema, chinese)),
  ];
  if (field !== '') {
    const description = wellFormed(error.textEn);
    const violation = { field, description, reason, localizedMessage: chinese };
    const badRequest: BadRequestInit = { fieldViolations: [violation] };
    packed.push(anyPack(BadRequestSchema, create(BadRequestSchema, badRequest)));
  }
  if (retryAfterMs !== undefined) {
    const retryDelay = durationFromMs(retryAfterMs);
    packed.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  return packed;
}

/** Undefined if the bytes are not ours or name a reason that only a newer server knows. */
function rebuild(bytes: Buffer, cause: ServiceError): RpcError | undefined {
  const { message, details } = decode(bytes);
  const info = find(details, ErrorInfoSchema);
  if (info?.domain !== DOMAIN || !(info.reason in REASONS)) return undefined;
  const retry = find(details, RetryInfoSchema)?.retryDelay;
  const field = find(details, BadRequestSchema)?.fieldViolations[0]?.field ?? '';
  const options: RpcErrorOptions = { field, metadata: { ...info.metadata }, cause };
  if (retry) options.retryAfterMs = durationMs(retry);
  if (info.reason === 'FIELD_INVALID') {
    // The texts are the field's path and what is wrong with it, see REASONS.
    const chinese = find(details, LocalizedMessageSchema)?.message ?? '';
    options.texts = {
      problem_en: message.slice(field.length + 1),
      problem_zh: chinese.slice(field.length),
    };
  }
  return new RpcError(info.reason as Reason, options);
}

function decode(bytes: Buffer): { message: string; details: Any[] } {
  try {
    return fromBinary(StatusSchema, bytes);
  } catch {
    // Somebody else's trailer of that name.
    return { message: '', details: [] };
  }
}

function find<Schema extends Parameters<typeof anyUnpack>[1]>(details: Any[], schema: Schema) {
  for (const each of details) {
    const message = anyUnpack(each, schema as Schema & { typeName: string });
    if (message !== undefined) return message;
  }
  return undefined;
}

/** Half a surrogate pair, cut out of a caller's text, fits neither into a header nor into UTF-8. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}

type BadRequestInit = MessageInitShape<typeof BadRequestSchema>;

type BareOptions = { method: string; cause?: unknown };

export type CallStatus = { code: number; details: string; metadata: Metadata };
