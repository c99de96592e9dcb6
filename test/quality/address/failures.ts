import type { QualityOptions } from '../main.ts';

/** Wrong answers by kind. The lines hold other people’s data: shown only when asked for. */
export class Failures {
  readonly #byKind = new Map<string, string[]>();

  add(kind: string, line: string): void {
    const lines = this.#byKind.get(kind);
    if (lines === undefined) this.#byKind.set(kind, [line]);
    else lines.push(line);
  }

  tell({ failures, say }: QualityOptions): void {
    const kinds = [...this.#byKind].sort(([, a], [, b]) => b.length - a.length);
    for (const [kind, lines] of kinds) {
      say(`${String(lines.length).padStart(6)}  ${kind}`);
      for (const line of lines.slice(0, failures)) say(`          ${line}`);
    }
  }
}
