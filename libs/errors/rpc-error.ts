import { PROBLEMS, type Problem } from './problems.ts';
import { Code, REASONS, type Reason } from './reasons.ts';

/** An error with a reason of the table; `metadata` fills the texts and travels to the caller. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly reason: Reason;
  readonly code: number;
  /** Path of the field at fault, `parcels[3].consignee.phone`; empty if no one field is. */
  readonly field: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly textEn: string;
  readonly textZh: string;
  readonly retryable: boolean;
  /** For OVERLOADED and its like: when to come back. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: Reason, options: RpcErrorOptions = {}) {
    const { field = '', metadata = {}, texts = {}, cause, retryAfterMs } = options;
    const row = REASONS[reason];
    const values = { field, ...metadata, ...texts };
    super(fill(row.en, values), { cause });
    this.reason = reason;
    this.code = Code[row.code];
    this.field = field;
    this.metadata = metadata;
    this.textEn = this.message;
    this.textZh = fill(row.zh, values);
    this.retryable = row.retryable;
    this.retryAfterMs = retryAfterMs;
  }
}

/** A request field is missing or wrong: FIELD_INVALID with the problem's name as metadata. */
export function invalid(
  field: string,
  problem: Problem,
  parameters: Record<string, string | number> = {},
): RpcError {
  const metadata: Record<string, string> = { problem };
  for (const [name, value] of Object.entries(parameters)) metadata[name] = String(value);
  return new RpcError('FIELD_INVALID', {
    field,
    metadata,
    texts: {
      problem_en: fill(PROBLEMS[problem].en, metadata),
      problem_zh: fill(PROBLEMS[problem].zh, metadata),
    },
  });
}

/** More of something than a limit allows. */
export function tooMany(limit: string, given: number, allowed: number): RpcError {
  return new RpcError('LIMIT_EXCEEDED', {
    field: limit,
    metadata: { limit, given: String(given), allowed: String(allowed) },
  });
}

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}

export type RpcErrorOptions = {
  field?: string;
  metadata?: Record<string, string>;
  /** Values for the texts alone. */
  texts?: Record<string, string>;
  cause?: unknown;
  retryAfterMs?: number;
};
