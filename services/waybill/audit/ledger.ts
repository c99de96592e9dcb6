import { hashText } from './hash.ts';

/**
 * What two sides say of the same things, summed up by minute: two sides agree in a minute if they
 * name the same things equally often. Its size does not grow with the number of things.
 */
export class Ledger {
  readonly #minutes = new Map<number, Sums>();

  /** `side` 1 or -1: what both sides name cancels out. */
  add(side: 1 | -1, minute: number, thing: string): void {
    const [a, b] = hashText(thing);
    let sums = this.#minutes.get(minute);
    if (sums === undefined) {
      sums = { count: 0, a: 0, b: 0 };
      this.#minutes.set(minute, sums);
    }
    sums.count += side;
    sums.a = (sums.a + side * a) | 0;
    sums.b = (sums.b + side * b) | 0;
  }

  /** Minutes in which the sides differ, oldest first. */
  differing(): number[] {
    return [...this.#minutes]
      .filter(([, { count, a, b }]) => count !== 0 || a !== 0 || b !== 0)
      .map(([minute]) => minute)
      .sort((x, y) => x - y);
  }
}

type Sums = { count: number; a: number; b: number };
