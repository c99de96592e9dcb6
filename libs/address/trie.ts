/**
 * Chinese names to numbers, by the longest way through the text. States are numbers; a step is one
 * look-up in an open hash table of typed arrays, so 150,000 states take 3 MB and no objects.
 */
export class Trie {
  #mask: number;
  #fromState: Int32Array;
  #unit: Uint16Array;
  #toState: Int32Array;
  /** First entry of each state, -1 if none. */
  #head: Int32Array;
  #next: number[] = [];
  #value: number[] = [];
  #stateCount = 1;

  /** `stateCountMax` must be above what is inserted: the table does not grow. */
  constructor(stateCountMax: number) {
    const size = 2 ** Math.ceil(Math.log2(stateCountMax * 2));
    this.#mask = size - 1;
    this.#fromState = new Int32Array(size);
    this.#unit = new Uint16Array(size);
    this.#toState = new Int32Array(size);
    this.#head = new Int32Array(stateCountMax).fill(-1);
  }

  /** Adds `value` under `name`; a name may have many. */
  insert(name: string, value: number): void {
    let state = 0;
    for (let i = 0; i < name.length; i++) {
      const unit = name.charCodeAt(i);
      const slot = this.#slot(state, unit);
      if (this.#toState[slot] === 0) {
        if (this.#stateCount === this.#head.length) throw new Error('the trie is full');
        this.#fromState[slot] = state;
        this.#unit[slot] = unit;
        this.#toState[slot] = this.#stateCount++;
      }
      state = this.#toState[slot] as number;
    }
    this.#next.push(this.#head[state] as number);
    this.#head[state] = this.#value.push(value) - 1;
  }

  /** The state after one more UTF-16 unit, 0 if no name goes on so. The first state is 0. */
  step(state: number, unit: number): number {
    return this.#toState[this.#slot(state, unit)] as number;
  }

  /** First entry of a state, or -1. */
  first(state: number): number {
    return this.#head[state] as number;
  }

  /** The entry after one, or -1. */
  after(entry: number): number {
    return this.#next[entry] as number;
  }

  valueOf(entry: number): number {
    return this.#value[entry] as number;
  }

  /** Where the step is, or the empty place where it would be. */
  #slot(state: number, unit: number): number {
    let slot = (Math.imul(state, 0x9e3779b1) ^ Math.imul(unit, 0x85ebca6b)) >>> 7;
    for (slot &= this.#mask; this.#toState[slot] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#fromState[slot] === state && this.#unit[slot] === unit) break;
    }
    return slot;
  }
}
