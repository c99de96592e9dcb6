import type { ErrorReason } from '#proto/queqiao/type/v1/error_reason';

/** gRPC status codes by name; libs/grpc checks that grpc-js agrees. */
export const Code = {
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** A reason without its enum prefix, such as FIELD_INVALID. */
export type Reason = Exclude<keyof typeof ErrorReason, 'UNSPECIFIED'>;

/**
 * The one table of errors. `{name}` stands for a metadata value; every value in a text is also
 * metadata. `retryable` means: the same request may succeed later without changing anything.
 */
export const REASONS: Record<Reason, ReasonRow> = {
  FIELD_INVALID: row('INVALID_ARGUMENT', '{field} {problem_en}', '{field}{problem_zh}'),
  CHARACTER_ILLEGAL: row(
    'INVALID_ARGUMENT',
    '{field} must not contain the character {character}',
    '{field}不能包含字符 {character}',
  ),
  PAGE_TOKEN_INVALID: row(
    'INVALID_ARGUMENT',
    'page_token was not issued for these arguments; start again without it',
    'page_token 与本次查询条件不符,请去掉后从第一页重新查询',
  ),
  API_KEY_MISSING: row(
    'UNAUTHENTICATED',
    'send an API key as metadata "authorization: Bearer <key>"',
    '缺少 API 密钥,请在元数据中携带 "authorization: Bearer <密钥>"',
  ),
  API_KEY_INVALID: row(
    'UNAUTHENTICATED',
    'the API key is unknown, revoked or expired',
    'API 密钥不存在、已吊销或已过期',
  ),
  SCOPE_MISSING: row(
    'PERMISSION_DENIED',
    'this API key lacks the scope {scope}',
    '该 API 密钥没有权限 {scope}',
  ),
  TENANT_FOREIGN: row(
    'PERMISSION_DENIED',
    '{field} must be empty or the caller itself',
    '{field} 只能为空或调用方自己',
  ),
  MERCHANT_NOT_FOUND: row('NOT_FOUND', 'no merchant {id}', '商家 {id} 不存在'),
  COURIER_NOT_FOUND: row('NOT_FOUND', 'no courier {id}', '快递公司 {id} 不存在'),
  NODE_NOT_FOUND: row('NOT_FOUND', 'no node {id}', '仓库或门店 {id} 不存在'),
  NUMBER_RANGE_NOT_FOUND: row('NOT_FOUND', 'no number range {id}', '号段 {id} 不存在'),
  API_KEY_NOT_FOUND: row('NOT_FOUND', 'no API key {id}', 'API 密钥 {id} 不存在'),
  WAYBILL_NOT_FOUND: row('NOT_FOUND', 'no waybill {id}', '面单 {id} 不存在'),
  RESOURCE_EXISTS: row(
    'ALREADY_EXISTS',
    '{id} exists already with other contents',
    '{id} 已存在且内容不同',
  ),
  PARCEL_KEY_REUSED: row(
    'ALREADY_EXISTS',
    'order_ref {order_ref} parcel {parcel_no} has waybill {waybill_number} already, with another ' +
      '{field}; cancel does not free the key, use the next parcel_no',
    '订单 {order_ref} 的第 {parcel_no} 个包裹已取得面单 {waybill_number},但 {field} 不同;' +
      '取消面单不会释放该编号,请改用下一个 parcel_no',
  ),
  NUMBER_RANGE_OVERLAP: row(
    'ALREADY_EXISTS',
    'the numbers of this range overlap those of another range',
    '该号段与其他号段重叠',
  ),
  STATE_NOT_ALLOWED: row(
    'FAILED_PRECONDITION',
    'not possible in state {state}',
    '当前状态 {state} 不允许此操作',
  ),
  MERCHANT_DISABLED: row('FAILED_PRECONDITION', 'merchant {id} is disabled', '商家 {id} 已停用'),
  COURIER_DISABLED: row('FAILED_PRECONDITION', 'courier {id} is disabled', '快递公司 {id} 已停用'),
  NODE_DISABLED: row('FAILED_PRECONDITION', 'node {id} is disabled', '仓库或门店 {id} 已停用'),
  NUMBER_RANGE_MISSING: row(
    'FAILED_PRECONDITION',
    'courier {courier_id} has no number range that merchant {merchant_id} may draw from',
    '快递公司 {courier_id} 没有可供商家 {merchant_id} 使用的号段',
  ),
  NUMBER_RANGE_DISABLED: row(
    'FAILED_PRECONDITION',
    'all number ranges of courier {courier_id} for merchant {merchant_id} are disabled',
    '快递公司 {courier_id} 供商家 {merchant_id} 使用的号段均已停用',
  ),
  NUMBER_RANGE_EXHAUSTED: row(
    'FAILED_PRECONDITION',
    'all number ranges of courier {courier_id} for merchant {merchant_id} are used up; ' +
      'ask the courier for a new one',
    '快递公司 {courier_id} 供商家 {merchant_id} 使用的号段已用完,请向快递公司申请新号段',
  ),
  SERVICE_NOT_OFFERED: row(
    'FAILED_PRECONDITION',
    'courier {courier_id} does not offer service {service_code}',
    '快递公司 {courier_id} 不提供服务 {service_code}',
  ),
  CONFLICT: row(
    'ABORTED',
    'changed by someone else; read it again and repeat the change',
    '数据已被他人修改,请重新读取后再次修改',
    true,
  ),
  LIMIT_EXCEEDED: row(
    'RESOURCE_EXHAUSTED',
    '{limit}: {given} given, at most {allowed} allowed',
    '{limit}:收到 {given},上限 {allowed}',
  ),
  OVERLOADED: row(
    'RESOURCE_EXHAUSTED',
    'too many calls at the moment; try again shortly',
    '当前请求过多,请稍后重试',
    true,
  ),
  STORAGE_FULL: row(
    'RESOURCE_EXHAUSTED',
    'the data disk is full; the operator has to make room',
    '数据磁盘已满,请联系运维扩容',
    true,
  ),
  DEPENDENCY_DOWN: row(
    'UNAVAILABLE',
    'temporarily unavailable; repeat the call',
    '服务暂时不可用,请重试',
    true,
  ),
  STREAM_MOVED: row(
    'UNAVAILABLE',
    'the server ends this stream; open another and send again what was not answered',
    '服务端结束了该数据流,请重新建立并重发尚未得到答复的内容',
    true,
  ),
  DEADLINE_EXCEEDED: row(
    'DEADLINE_EXCEEDED',
    'the call ran out of time; ask by its key what became of it',
    '调用超时,请按业务编号查询结果',
    true,
  ),
  CALL_CANCELLED: row(
    'CANCELLED',
    'the caller ended the call; ask by its key what became of it',
    '调用已被调用方取消,请按业务编号查询结果',
    true,
  ),
  METHOD_UNKNOWN: row(
    'UNIMPLEMENTED',
    'this server does not serve {method}',
    '该服务器不提供方法 {method}',
  ),
  KEY_ROTATING: row(
    'FAILED_PRECONDITION',
    'API key {other} is in use beside {id}; wait until one of them has ended, or revoke one',
    'API 密钥 {other} 与 {id} 同时有效,请等待其中一个到期,或先吊销一个',
  ),
  KEY_ENDED: row(
    'FAILED_PRECONDITION',
    'API key {id} is revoked or expired; create a new one',
    'API 密钥 {id} 已吊销或已过期,请创建新密钥',
  ),
  ADDRESS_NOT_ALLOWED: row(
    'PERMISSION_DENIED',
    'this key may not be used from {address}',
    '该密钥不允许从 {address} 使用',
  ),
  RATE_LIMITED: row(
    'RESOURCE_EXHAUSTED',
    'more than {calls_per_s} calls a second; try again shortly',
    '调用超过每秒 {calls_per_s} 次,请稍后重试',
    true,
  ),
  QUOTA_EXCEEDED: row(
    'RESOURCE_EXHAUSTED',
    'not more than {waybills_per_day} waybills a day (UTC), and {left} are left',
    '每天(UTC)最多取号 {waybills_per_day} 个,今天还剩 {left} 个',
  ),
  TOKEN_ISSUER_NOT_FOUND: row('NOT_FOUND', 'no token issuer {id}', '令牌签发方 {id} 不存在'),
  ISSUER_TAKEN: row(
    'ALREADY_EXISTS',
    'another token issuer has the issuer {issuer}',
    '已有其他令牌签发方使用 issuer {issuer}',
  ),
  TOKEN_INVALID: row(
    'UNAUTHENTICATED',
    'the token is not valid ({problem})',
    '令牌无效({problem})',
  ),
  CERTIFICATE_MISSING: row(
    'UNAUTHENTICATED',
    'a service has to prove itself by its certificate',
    '服务必须使用证书证明身份',
  ),
  SERVICE_NOT_ALLOWED: row(
    'PERMISSION_DENIED',
    'service {service} may not call this method',
    '服务 {service} 不允许调用该方法',
  ),
  INTERNAL: row('INTERNAL', 'internal error', '系统内部错误'),
};

/** What can be wrong with one field. `{name}` stands for a parameter, sent as metadata. */
export const PROBLEMS = {
  REQUIRED: { en: 'is required', zh: '为必填项' },
  NOT_ALLOWED: { en: 'must be empty here', zh: '在此处必须为空' },
  FIXED: { en: 'cannot be changed', zh: '不可修改' },
  UNKNOWN_VALUE: { en: 'has an unknown value', zh: '取值未知' },
  TOO_LONG: { en: 'must be at most {max} characters', zh: '不能超过 {max} 个字符' },
  OUT_OF_RANGE: { en: 'must be from {min} to {max}', zh: '必须在 {min} 到 {max} 之间' },
  LIST_SIZE: { en: 'must have {min} to {max} entries', zh: '必须有 {min} 到 {max} 项' },
  REPEATED: { en: 'stands twice', zh: '重复' },
  CONTROL_CHARACTER: { en: 'must not contain control characters', zh: '不能包含控制字符' },
  SLUG: {
    en: 'must be 2 to 32 of a-z, 0-9 and "-", beginning with a letter',
    zh: '须为 2 到 32 位小写字母、数字或“-”,且以字母开头',
  },
  ORDER_REF: {
    en: 'must be 1 to 64 of A-Z, a-z, 0-9, "_" and "-"',
    zh: '须为 1 到 64 位字母、数字、“_”或“-”',
  },
  SERVICE_CODE: {
    en: 'must be 1 to 32 of a-z, 0-9 and "-"',
    zh: '须为 1 到 32 位小写字母、数字或“-”',
  },
  WAYBILL_NUMBER: {
    en: 'must be 5 to 32 of A-Z and 0-9',
    zh: '须为 5 到 32 位大写字母或数字',
  },
  PHONE: {
    en: 'must be 5 to 20 digits, with "+" in front and "-" between allowed',
    zh: '须为 5 到 20 位数字,前面可带“+”,中间可带“-”',
  },
  NUMBER_PREFIX: { en: 'must be 0 to 8 of A-Z and 0-9', zh: '须为 0 到 8 位大写字母或数字' },
  NUMBER_SUFFIX: { en: 'must be 0 to 4 of A-Z', zh: '须为 0 到 4 位大写字母' },
  NUMBER_LENGTH: {
    en: 'makes numbers of {given} characters; 5 to 32 are allowed',
    zh: '所得单号为 {given} 位,须为 5 到 32 位',
  },
  S10_SHAPE: {
    en: 'needs a prefix without digits and serial_width 8 for UPU S10',
    zh: '使用 UPU S10 校验时,前缀不能含数字且 serial_width 须为 8',
  },
  SPREAD: { en: 'must be 1, 2, 4, 8, 16, 32 or 64', zh: '须为 1、2、4、8、16、32 或 64' },
  SCOPE: { en: 'is not a scope that this caller may hold', zh: '不是该主体可持有的权限' },
  IN_THE_PAST: { en: 'is in the past', zh: '已经过去' },
  ORDER_OF_TIMES: { en: 'must be later than {other}', zh: '必须晚于 {other}' },
  TIME: { en: 'is not a valid time', zh: '不是有效的时间' },
  CIDR: {
    en: 'must be a network such as 203.0.113.0/24 or 2001:db8::/32',
    zh: '须为网段,如 203.0.113.0/24 或 2001:db8::/32',
  },
  TOKEN_TEXT: {
    en: 'must be 1 to 256 printable ASCII characters without spaces',
    zh: '须为 1 到 256 个不含空格的可打印 ASCII 字符',
  },
  JWKS: {
    en: 'must be a JSON Web Key Set of public Ed25519 or P-256 keys, each with its own kid',
    zh: '须为 JSON Web Key Set,仅含 Ed25519 或 P-256 公钥,且各有不同的 kid',
  },
  NOT_TEXT: { en: 'is not valid UTF-8', zh: '不是有效的 UTF-8' },
} as const;

export type Problem = keyof typeof PROBLEMS;

export type ReasonRow = {
  readonly code: keyof typeof Code;
  readonly en: string;
  readonly zh: string;
  readonly retryable: boolean;
};

function row(code: keyof typeof Code, en: string, zh: string, retryable = false): ReasonRow {
  return { code, en, zh, retryable };
}
