/** Fields of an error that say what failed and hold no row's contents (pg's `detail` does). */
const FIELDS = [
  'code',
  'reason',
  'field',
  'schema',
  'table',
  'column',
  'constraint',
  'routine',
  'syscall',
  'errno',
];
const CAUSE_DEPTH_MAX = 5;

/**
 * An error as a log may hold it: an allow-list of fields, and texts in which whatever could be a
 * person's name, address or phone is masked. Libraries quote the values they choke on.
 */
export function serializeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) {
    return { type: typeof error, message: typeof error === 'string' ? maskText(error) : '' };
  }
  const line: Record<string, unknown> = { type: error.name, message: maskText(error.message) };
  const fields: Record<string, unknown> = { ...error };
  for (const name of FIELDS) {
    const value = fields[name];
    if (typeof value === 'string') line[name] = maskText(value);
    if (typeof value === 'number') line[name] = value;
  }
  if (error.stack !== undefined) line['stack'] = maskText(error.stack);
  if (error.cause !== undefined && depth < CAUSE_DEPTH_MAX) {
    line['cause'] = serializeError(error.cause, depth + 1);
  }
  if (error instanceof AggregateError && depth < CAUSE_DEPTH_MAX) {
    line['errors'] = error.errors.slice(0, 10).map((each) => serializeError(each, depth + 1));
  }
  return line;
}

/**
 * Masks Chinese text and runs of seven digits and more. Our own texts in a log are English, so what
 * is Chinese there came from a caller.
 */
export function maskText(text: string): string {
  return text.replace(/\p{Script=Han}+/gu, '[text]').replace(/\d(?:[ -]?\d){6,}/g, '[digits]');
}
