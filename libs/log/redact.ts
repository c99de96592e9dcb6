/** Fields that never reach a log, wherever they stand in the first three levels of a line. */
const FIELDS = [
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
];

/** A person's name has the same key as the logger's own, so it is only looked for deeper down. */
export const REDACTED_PATHS = [
  ...FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  '*.name',
  '*.*.name',
];
