import { tooMany } from '#libs/errors';
import type { ServerCall } from './server-call.ts';

/** The calls that may last: streams, counted for each caller, and those who watch the health. */
export class OpenStreams {
  readonly #perIdentityMax: number;
  readonly #calls = new Set<ServerCall>();
  readonly #counts = new Map<string, number>();

  constructor(perIdentityMax: number) {
    this.#perIdentityMax = perIdentityMax;
  }

  /** Takes in a stream whose caller is known; LIMIT_EXCEEDED if that has too many. */
  enter(call: ServerCall): void {
    const caller = `${call.identity?.kind} ${call.identity?.id}`;
    const count = (this.#counts.get(caller) ?? 0) + 1;
    if (count > this.#perIdentityMax) throw tooMany('streams', count, this.#perIdentityMax);
    this.#counts.set(caller, count);
    this.watch(call);
    const forget = call.onOver;
    call.onOver = () => {
      forget?.();
      const left = (this.#counts.get(caller) ?? 1) - 1;
      if (left > 0) this.#counts.set(caller, left);
      else this.#counts.delete(caller);
    };
  }

  /** Takes in a call that nobody counts. */
  watch(call: ServerCall): void {
    this.#calls.add(call);
    call.onOver = () => this.#calls.delete(call);
  }

  /** Ends all of them in their own way. */
  retireAll(): void {
    for (const call of this.#calls) call.retire();
  }
}
