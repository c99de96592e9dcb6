import { errorLine, inLanguage } from '../output.ts';
import type { RowResult } from './issue-send.ts';

/** What became of a file so far; its size does not grow with the number of rows. */
export class IssueSummary {
  readonly #startMs = performance.now();
  readonly #groups = new Map<string, FailureGroup>();
  issued = 0;
  alreadyIssued = 0;
  failed = 0;
  /** Rows that were read and whose outcome is not known. */
  unknown = 0;

  add(rows: readonly RowResult[]): void {
    for (const row of rows) {
      if (row.status === 'issued') this.issued += 1;
      else if (row.status === 'already_issued') this.alreadyIssued += 1;
      else this.#addFailure(row);
    }
  }

  get rows(): number {
    return this.issued + this.alreadyIssued + this.failed + this.unknown;
  }

  get seconds(): number {
    return (performance.now() - this.#startMs) / 1000;
  }

  toJson(): Record<string, unknown> {
    return {
      rows: this.rows,
      issued: this.issued,
      already_issued: this.alreadyIssued,
      failed: this.failed,
      unknown: this.unknown,
      failed_by_reason: [...this.#groups.values()].map(({ error, count, lines }) => ({
        reason: error.reason,
        field: error.field,
        count,
        lines,
        text_en: error.text_en,
        text_zh: error.text_zh,
      })),
      seconds: Number(this.seconds.toFixed(3)),
      rows_per_second: Math.round(this.rows / Math.max(this.seconds, 0.001)),
    };
  }

  /** For people; `good` names the rows without a fault. */
  toText(env: NodeJS.ProcessEnv, isDryRun: boolean): string {
    const say = (en: string, zh: string) => inLanguage(env, en, zh);
    const { seconds } = this;
    const count = (value: number, label: string) => `${String(value).padStart(9)}  ${label}`;
    const rate = Math.round(this.rows / Math.max(seconds, 0.001));
    const lines = isDryRun
      ? [count(this.issued, say('rows are good', '行无误'))]
      : [
          count(this.issued, say('issued now', '本次取号')),
          count(this.alreadyIssued, say('already issued', '此前已取号')),
        ];
    lines.push(count(this.failed, say('failed', '失败')));
    if (this.unknown > 0) lines.push(count(this.unknown, say('not known', '结果未知')));
    for (const { error, count: many, lines: where } of this.#groups.values()) {
      const more = many > where.length ? ' …' : '';
      const at = say(
        `${many} in line ${where.join(', ')}${more}`,
        `${many} 行:第 ${where.join('、')} 行${more}`,
      );
      lines.push(`           ${at}: ${errorLine(error, env)}`);
    }
    const speed = `${seconds.toFixed(1)} s, ${rate}`;
    lines.push(say(`${this.rows} rows in ${speed} rows/s`, `共 ${this.rows} 行,${speed} 行/秒`));
    return `${lines.join('\n')}\n`;
  }

  #addFailure({ line, errors }: RowResult): void {
    this.failed += 1;
    const [error] = errors;
    if (error === undefined) return;
    // The place in a list makes no kind of failure of its own.
    const key = `${error.reason} ${error.field.replace(/\[\d+\]/g, '')}`;
    const group = this.#groups.get(key) ?? { error, count: 0, lines: [] };
    group.count += 1;
    if (group.lines.length < LINES_SHOWN) group.lines.push(line);
    this.#groups.set(key, group);
  }
}

const LINES_SHOWN = 3;

type FailureGroup = { error: RowResult['errors'][number]; count: number; lines: number[] };
