import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#libs/errors';
import { KIND_SCOPES } from '#libs/grpc';
import {
  type ApiKey,
  ApiKey_State,
  ApiKeySchema,
  type Subject,
  Subject_Kind,
} from '#proto/queqiao/network/v1/api_key';
import { present, slug, word } from './field.ts';
import { keyPrefix } from './secret.ts';

/** What a caller says of a key, valid and named as the columns are. */
export type ApiKeyDraft = {
  api_key_id: string;
  subject_kind: SubjectKind;
  /** Empty for an operator. */
  subject_id: string;
  scopes: string[];
  expire_time: Date | null;
};

export type ApiKeyRow = ApiKeyDraft & {
  key_index: string;
  create_time: Date;
  revoke_time: Date | null;
  version: string;
};

export function parseNewApiKey(apiKey: ApiKey | undefined, now: Date): ApiKeyDraft {
  const given = present('api_key', apiKey);
  const subject = parseSubject(given.subject);
  return {
    api_key_id: slug('api_key.api_key_id', given.apiKeyId),
    ...subject,
    scopes: parseScopes(given.scopes, KIND_SCOPES[subject.subject_kind]),
    expire_time: given.expireTime === undefined ? null : parseExpireTime(given.expireTime, now),
  };
}

function parseSubject(subject: Subject | undefined): {
  subject_kind: SubjectKind;
  subject_id: string;
} {
  const { kind, id } = present('api_key.subject', subject);
  const subject_kind = word('api_key.subject.kind', kind, SUBJECT_KINDS);
  if (subject_kind !== 'operator') {
    return { subject_kind, subject_id: slug('api_key.subject.id', id) };
  }
  if (id !== '') throw invalid('api_key.subject.id', 'NOT_ALLOWED');
  return { subject_kind, subject_id: '' };
}

function parseScopes(scopes: string[], allowed: ReadonlySet<string>): string[] {
  if (scopes.length < 1 || scopes.length > SCOPES_MAX) {
    throw invalid('api_key.scopes', 'LIST_SIZE', { min: 1, max: SCOPES_MAX });
  }
  for (const [i, scope] of scopes.entries()) {
    const field = `api_key.scopes[${i}]`;
    if (!allowed.has(scope)) throw invalid(field, 'SCOPE');
    if (scopes.indexOf(scope) < i) throw invalid(field, 'REPEATED');
  }
  return scopes;
}

function parseExpireTime(time: Timestamp, now: Date): Date {
  const field = 'api_key.expire_time';
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
  });
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
/** The end of the year 9999, where Timestamp ends as well. */
const LAST_SECOND = 253_402_300_799n;

type SubjectKind = keyof typeof SUBJECT_KINDS;
