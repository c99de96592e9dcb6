/** A sleep that another part of the process can end. A ring while nobody sleeps is not lost. */
export class Alarm {
  #isRung = false;
  #end: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#end?.();
  }

  /** True if it was rung, false after `durationMs` or when the signal is aborted. */
  async wait(durationMs: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isRung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => this.#end?.(), durationMs);
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          this.#end = undefined;
          resolve();
        };
        this.#end = end;
        signal.addEventListener('abort', end);
      });
    }
    const isRung = this.#isRung;
    this.#isRung = false;
    return isRung;
  }
}

/** Says once per interval that something is due, at first at once. */
export class Every {
  readonly #intervalMs: number;
  #nextMs = 0;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  now(): boolean {
    const nowMs = performance.now();
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + this.#intervalMs;
    return true;
  }
}

/** The promise's outcome, or an error after `durationMs`; the work itself goes on. */
export async function deadline<T>(work: Promise<T>, durationMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} took over ${durationMs} ms`)), durationMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
