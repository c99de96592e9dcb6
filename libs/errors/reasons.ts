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
  AREA_NOT_FOUND: row('NOT_FOUND', 'no area {id}', '区域 {id} 不存在'),
  SORT_TABLE_NOT_FOUND: row('NOT_FOUND', 'no sort table {id}', '三段码表 {id} 不存在'),
  AREA_NOT_DIVISIBLE: row(
    'FAILED_PRECONDITION',
    'area {id} is no territory of cells without a route of its own; only such is divided',
    '区域 {id} 不是由网格组成且未指定线路的网点辖区,不能划分线路',
  ),
};

export type ReasonRow = {
  readonly code: keyof typeof Code;
  readonly en: string;
  readonly zh: string;
  readonly retryable: boolean;
};

function row(code: keyof typeof Code, en: string, zh: string, retryable = false): ReasonRow {
  return { code, en, zh, retryable };
}
