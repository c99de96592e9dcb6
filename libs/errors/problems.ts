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
  IN_THE_FUTURE: { en: 'is in the future', zh: '晚于当前时间' },
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
  GEOJSON: {
    en: 'must be a GeoJSON Polygon, MultiPolygon, Feature or FeatureCollection; see {at}',
    zh: '须为 GeoJSON 的 Polygon、MultiPolygon、Feature 或 FeatureCollection,请检查 {at}',
  },
  RING: {
    en: 'has a ring that does not end where it begins or has under 4 positions, at {at}',
    zh: '的环 {at} 首尾不相接或少于 4 个点',
  },
  CROSSES_ITSELF: {
    en: 'has a polygon whose border crosses or touches itself near {longitude}, {latitude}',
    zh: '的多边形边界在 {longitude}, {latitude} 附近自相交',
  },
  NO_CELL: {
    en: 'is too small or thin: no cell has its centre in it',
    zh: '过小或过窄,其中没有任何网格中心',
  },
  CELL: {
    en: 'must be an H3 cell of resolution {min} to {max}, 15 hex digits',
    zh: '须为分辨率 {min} 到 {max} 的 H3 网格,15 位十六进制',
  },
  DIVISION_CODE: {
    en: 'is no code of a province, city, county or street',
    zh: '不是省、市、县或街道的行政区划代码',
  },
  SORT_SEGMENT: { en: 'must be 1 to 8 of A-Z and 0-9', zh: '须为 1 到 8 位大写字母或数字' },
  ADDRESS_VAGUE: {
    en: 'has a consignee whose address names no known county, or no street, road or building in it',
    zh: '的收件地址无法确定到区县,或其中没有可识别的街道、道路或楼栋',
  },
  FAR_FROM_COUNTY: {
    en: 'lies over {max_km} km from the county of the address; is its datum right?',
    zh: '距收件地址所在区县超过 {max_km} 公里,请检查坐标与坐标系',
  },
  ABOVE_MAX: { en: 'must not be above {other}', zh: '不能大于 {other}' },
} as const;

export type Problem = keyof typeof PROBLEMS;
