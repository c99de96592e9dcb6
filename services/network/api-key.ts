import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#libs/errors';
import { isCidr, KIND_SCOPES } from '#libs/grpc';
import {
  type ApiKey,
  ApiKey_State,
  ApiKeySchema,
  type CallLimits,
  type Subject,
  Subject_Kind,
} from '#proto/queqiao/network/v1/api_key';
import { inRange, present, slug, word } from './field.ts';
import { keyPrefix } from './secret.ts';

/** What a caller says of a key, valid and named as the columns are. */
export type ApiKeyDraft = {
  api_key_id: string;
  subject_kind: SubjectKind;
  /** Empty for an operator. */
  subject_id: string;
  scopes: string[];
  expire_time: Date | null;
} & Reach;

/** From where and how much a caller may call, as keys and token issuers both say it. */
export type Reach = {
  allowed_cidrs: string[];
  calls_per_s: number;
  burst_count: number;
  /** As the database answers it. */
  waybills_per_day: string;
};

/** Where a key stands in its line. */
export type Ancestry = { line_id: string; predecessor_id: string | null };

export type ApiKeyRow = ApiKeyDraft &
  Ancestry & {
    key_index: string;
    create_time: Date;
    revoke_time: Date | null;
    last_use_time: Date | null;
    version: string;
  };

export function parseNewApiKey(apiKey: ApiKey | undefined, now: Date): ApiKeyDraft {
  const given = present('api_key', apiKey);
  const subject = parseSubject('api_key.subject', given.subject);
  return {
    api_key_id: slug('api_key.api_key_id', given.apiKeyId),
    ...subject,
    scopes: parseScopes('api_key.scopes', given.scopes, subject.subject_kind),
    expire_time: parseExpireTime('api_key.expire_time', given.expireTime, now),
    ...parseReach('api_key', given),
  };
}

function parseSubject(
  field: string,
  subject: Subject | undefined,
): { subject_kind: SubjectKind; subject_id: string } {
  const { kind, id } = present(field, subject);
  const subject_kind = word(`${field}.kind`, kind, SUBJECT_KINDS);
  if (subject_kind !== 'operator') return { subject_kind, subject_id: slug(`${field}.id`, id) };
  if (id !== '') throw invalid(`${field}.id`, 'NOT_ALLOWED');
  return { subject_kind, subject_id: '' };
}

export function parseScopes(field: string, scopes: string[], kind: SubjectKind): string[] {
  if (scopes.length < 1 || scopes.length > SCOPES_MAX) {
    throw invalid(field, 'LIST_SIZE', { min: 1, max: SCOPES_MAX });
  }
  for (const [i, scope] of scopes.entries()) {
    if (!KIND_SCOPES[kind].has(scope)) throw invalid(`${field}[${i}]`, 'SCOPE');
    if (scopes.indexOf(scope) < i) throw invalid(`${field}[${i}]`, 'REPEATED');
  }
  return scopes;
}

export function parseReach(
  resource: string,
  { allowedCidrs, limits }: { allowedCidrs: string[]; limits?: CallLimits | undefined },
): Reach {
  if (allowedCidrs.length > CIDRS_MAX) {
    throw invalid(`${resource}.allowed_cidrs`, 'LIST_SIZE', { min: 0, max: CIDRS_MAX });
  }
  for (const [i, cidr] of allowedCidrs.entries()) {
    if (!isCidr(cidr)) throw invalid(`${resource}.allowed_cidrs[${i}]`, 'CIDR');
  }
  const { callsPerS = 0, burstCount = 0, waybillsPerDay = 0n } = limits ?? {};
  const field = `${resource}.limits`;
  inRange(`${field}.waybills_per_day`, waybillsPerDay, 0n, WAYBILLS_PER_DAY_MAX);
  return {
    allowed_cidrs: allowedCidrs,
    calls_per_s: inRange(`${field}.calls_per_s`, callsPerS, 0, CALLS_MAX),
    burst_count: inRange(`${field}.burst_count`, burstCount, 0, CALLS_MAX),
    waybills_per_day: String(waybillsPerDay),
  };
}

/** A time in the future; null if none is given, which is never. */
export function parseExpireTime(
  field: string,
  time: Timestamp | undefined,
  now: Date,
): Date | null {
  if (time === undefined) return null;
  if (time.seconds > LAST_SECOND || time.seconds < 0n) {
    throw invalid(field, 'OUT_OF_RANGE', { min: '1970', max: '9999' });
  }
  const date = timestampDate(time);
  if (date <= now) throw invalid(field, 'IN_THE_PAST');
  return date;
}

export function apiKeyToMessage(row: ApiKeyRow): ApiKey {
  return create(ApiKeySchema, {
    apiKeyId: row.api_key_id,
    subject: subjectOf(row),
    scopes: row.scopes,
    state: row.revoke_time === null ? ApiKey_State.ACTIVE : ApiKey_State.REVOKED,
    ...(row.expire_time && { expireTime: timestampFromDate(row.expire_time) }),
    keyPrefix: keyPrefix(row.key_index),
    createTime: timestampFromDate(row.create_time),
    ...(row.revoke_time && { revokeTime: timestampFromDate(row.revoke_time) }),
    ...(row.last_use_time && { lastUseTime: timestampFromDate(row.last_use_time) }),
    predecessorId: row.predecessor_id ?? '',
    ...reachOf(row),
  });
}

export function reachOf(row: Reach) {
  return {
    allowedCidrs: row.allowed_cidrs,
    limits: {
      callsPerS: row.calls_per_s,
      burstCount: row.burst_count,
      waybillsPerDay: BigInt(row.waybills_per_day),
    },
  };
}

/** Whether the key opens anything at this moment. */
export function isLive(row: Pick<ApiKeyRow, 'revoke_time' | 'expire_time'>, now: Date): boolean {
  return row.revoke_time === null && (row.expire_time === null || row.expire_time > now);
}

export function subjectOf(row: Pick<ApiKeyRow, 'subject_kind' | 'subject_id'>) {
  return { kind: SUBJECT_KINDS[row.subject_kind], id: row.subject_id };
}

/** Who may have a key, as the database holds it. Services are known by their token instead. */
export const SUBJECT_KINDS = {
  operator: Subject_Kind.OPERATOR,
  merchant: Subject_Kind.MERCHANT,
  courier: Subject_Kind.COURIER,
} as const;
const SCOPES_MAX = 20;
const CIDRS_MAX = 32;
const CALLS_MAX = 1_000_000;
const WAYBILLS_PER_DAY_MAX = 1_000_000_000n;
/** The end of the year 9999, where Timestamp ends as well. */
const LAST_SECOND = 253_402_300_799n;

export type SubjectKind = keyof typeof SUBJECT_KINDS;
