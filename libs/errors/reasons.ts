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
  INTERNAL: row('INTERNAL', 'internal error', '系统内部错误'),
  CONSIGNEE_ERASED: row(
    'FAILED_PRECONDITION',
    'the consignee of waybill {id} was erased and cannot be read any more',
    '面单 {id} 的收件人信息已删除,无法再读取',
  ),
  DATA_KEY_NOT_FOUND: row(
    'NOT_FOUND',
    'merchant {merchant_id} has no consignees of {month}',
    '商家 {merchant_id} 在 {month} 没有收件人信息',
  ),
  MASTER_KEY_MISSING: row(
    'FAILED_PRECONDITION',
    'this server lacks the master key {id}; the operator has to add its file',
    '该服务器缺少主密钥 {id},请运维添加对应的密钥文件',
  ),
  MONTH_NOT_OVER: row(
    'FAILED_PRECONDITION',
    'the month {month} has not ended; erase its parcels one by one',
    '{month} 尚未结束,请逐个包裹删除',
  ),
  ADDED_SERVICE_NOT_OFFERED: row(
    'FAILED_PRECONDITION',
    'courier {courier_id} does not offer the added service {code} with {service_code}',
    '快递公司 {courier_id} 的产品 {service_code} 不提供增值服务 {code}',
  ),
  ADDED_SERVICE_REQUIRED: row(
    'FAILED_PRECONDITION',
    'service {service_code} of courier {courier_id} needs the added service {code}',
    '快递公司 {courier_id} 的产品 {service_code} 必须选择增值服务 {code}',
  ),
  PARENT_MISSING: row(
    'FAILED_PRECONDITION',
    'parcel 1 of order {order_ref}, the parent of parcel {parcel_no}, has no live waybill; ' +
      'issue it first or in the same call',
    '订单 {order_ref} 的第 1 个包裹(母单)没有有效面单,无法取得第 {parcel_no} 个包裹(子单)的面单;' +
      '请先取得母单,或在同一次请求中一并提交',
  ),
  CHILDREN_LIVE: row(
    'FAILED_PRECONDITION',
    '{waybill_number} is the parent of {count} parcels that are not cancelled; ' +
      'cancel them first, or the whole shipment with extent SHIPMENT',
    '{waybill_number} 是母单,还有 {count} 个子单未取消;请先取消子单,或以 extent SHIPMENT 取消整票',
  ),
  SHIPMENT_ONLY: row(
    'FAILED_PRECONDITION',
    '{waybill_number} is one of {count} parcels of a shipment, which share {field}; ' +
      'change it with extent SHIPMENT',
    '{waybill_number} 属于共 {count} 个包裹的一票货,{field} 须一致;请以 extent SHIPMENT 修改整票',
  ),
  RETURN_OF_RETURN: row(
    'FAILED_PRECONDITION',
    'waybill {waybill_number} is itself a return',
    '面单 {waybill_number} 本身就是退货面单,不能再退货',
  ),
  ACCOUNT_NOT_FOUND: row('NOT_FOUND', 'no courier account {id}', '快递账号 {id} 不存在'),
  ACCOUNT_MISSING: row(
    'FAILED_PRECONDITION',
    'merchant {merchant_id} has no account at courier {courier_id} that serves node {node_id}; ' +
      'register one first',
    '商家 {merchant_id} 在快递公司 {courier_id} 没有可用于网点 {node_id} 的账号,请先开通',
  ),
  ACCOUNT_AMBIGUOUS: row(
    'FAILED_PRECONDITION',
    'several accounts at courier {courier_id} serve node {node_id}: {account_ids}; ' +
      'name one as account_id',
    '快递公司 {courier_id} 有多个账号可用于网点 {node_id}:{account_ids},请用 account_id 指定其一',
  ),
  ACCOUNT_DISABLED: row(
    'FAILED_PRECONDITION',
    'courier account {id} is disabled',
    '快递账号 {id} 已停用',
  ),
  ACCOUNT_NOT_FOR_NODE: row(
    'FAILED_PRECONDITION',
    'courier account {account_id} does not ship from node {node_id}',
    '快递账号 {account_id} 不能从网点 {node_id} 发货',
  ),
  ACCOUNT_NOT_PREPAID: row(
    'FAILED_PRECONDITION',
    'courier account {id} is billed monthly and has no balance',
    '快递账号 {id} 为月结账号,没有余额',
  ),
  QUOTA_EMPTY: row(
    'FAILED_PRECONDITION',
    'courier account {account_id} has {balance} waybills left; top it up',
    '快递账号 {account_id} 的面单余额为 {balance},请充值后重试',
  ),
  BALANCE_SHORT: row(
    'FAILED_PRECONDITION',
    'courier account {account_id} has {balance} waybills left; {given} cannot be taken off',
    '快递账号 {account_id} 的面单余额为 {balance},无法扣减 {given}',
  ),
  CANCEL_RATIO_EXCEEDED: row(
    'FAILED_PRECONDITION',
    '{cancelled} of {drawn} drawn waybills are cancelled; at most {percent} % may be, ' +
      'which is {allowed}',
    '已取号 {drawn} 单、取消 {cancelled} 单,取消比例不得超过 {percent}%(最多 {allowed} 单)',
  ),
  REQUEST_ID_REUSED: row(
    'ALREADY_EXISTS',
    'request_id {request_id} was used before with other contents',
    'request_id {request_id} 已用于其他内容的请求',
  ),
  LABEL_PRINTS_USED_UP: row(
    'FAILED_PRECONDITION',
    'the label of waybill {id} was printed {count} times, which is as often as is allowed',
    '面单 {id} 已打印 {count} 次,达到上限',
  ),
  LABEL_TEMPLATE_NOT_FOUND: row('NOT_FOUND', 'no label template {id}', '面单模板 {id} 不存在'),
  LABEL_NUMBER_TOO_LONG: row(
    'FAILED_PRECONDITION',
    'the bars of number {id} would be too thin to be scanned on a label of {size} mm',
    '单号 {id} 过长,在 {size} 毫米的面单上条码过细,无法扫描',
  ),
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
  MONTH: { en: 'must be a month such as 2026-10', zh: '须为月份,例如 2026-10' },
  CONFIRM: { en: 'must be {expected}', zh: '须为 {expected}' },
  UUID: { en: 'must be a UUID', zh: '须为 UUID' },
  ACCOUNT_CODE: {
    en: 'must be of A-Z, a-z, 0-9, "_", "." and "-"',
    zh: '只能包含字母、数字、“_”、“.”和“-”',
  },
  ZERO: { en: 'must not be 0', zh: '不能为 0' },
  NOT_TEXT: { en: 'is not valid UTF-8', zh: '不是有效的 UTF-8' },
  NOT_BOTH: { en: 'must not be given together with {other}', zh: '不能与 {other} 同时填写' },
  AS_PARENT: {
    en: 'must be the same as that of parcel 1 of the shipment',
    zh: '须与同票第 1 个包裹(母单)一致',
  },
  ATTRIBUTE_NAME: {
    en: 'must be 1 to 40 of a-z, 0-9 and "_", beginning with a letter',
    zh: '须为 1 到 40 位小写字母、数字或“_”,且以字母开头',
  },
  ATTRIBUTE_UNKNOWN: { en: 'is no attribute of this service', zh: '不是该服务的属性' },
  ATTRIBUTE_TYPE: { en: 'must be of type {type}', zh: '须为 {type} 类型' },
  ONE_OF: { en: 'must be one of: {values}', zh: '须为以下之一:{values}' },
  OUTSIDE_AREA: {
    en: 'must lie in the area of {width} × {height} mm',
    zh: '须在 {width} × {height} 毫米的自定义区内',
  },
  OVERLAPS: { en: 'lies over another field', zh: '与其他字段重叠' },
  TOO_LOW: {
    en: 'must be at least 1.2 times text_size_dmm',
    zh: '须不小于 text_size_dmm 的 1.2 倍',
  },
  DOES_NOT_FIT: { en: 'does not fit into its field', zh: '超出字段可容纳的长度' },
  TEMPLATE_KEY: {
    en: 'must be 1 to 32 of a-z, 0-9 and "_"',
    zh: '须为 1 到 32 位小写字母、数字或“_”',
  },
  AS_TEMPLATE: { en: 'must be that of the template, {size}', zh: '须与模板尺寸 {size} 一致' },
  NO_SUCH_FIELD: { en: 'is no field of the template', zh: '不是模板中的字段' },
  ABOVE_MAX: { en: 'must not be above {other}', zh: '不能大于 {other}' },
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
