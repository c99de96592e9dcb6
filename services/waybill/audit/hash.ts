/**
 * 64 bits of a text as two numbers, for sums and tables; cheap, and no defence against anybody.
 * cyrb53 by bryc, https://github.com/bryc/code/blob/master/jshash/experimental/cyrb53.js
 */
export function hashText(text: string): Hash {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return [a >>> 0, b >>> 0];
}

export type Hash = readonly [number, number];

/**
 * A set of 64-bit keys with a few 32-bit values each, in typed arrays: about 20 to 50 bytes an
 * entry, where a Map of strings takes 150.
 */
export class HashTable {
  readonly #columns: number;
  #keys: Uint32Array;
  #values: Uint32Array;
  #size = 0;

  constructor(columns: number, capacity = 1 << 12) {
    this.#columns = columns;
    this.#keys = new Uint32Array(capacity * 2);
    this.#values = new Uint32Array(capacity * columns);
  }

  get size(): number {
    return this.#size;
  }

  /** The entry's values, to read and to write; undefined if there is none. */
  find(key: Hash): Uint32Array | undefined {
    const slot = this.#slot(key);
    return this.#isFree(slot) ? undefined : this.#at(slot);
  }

  /** The entry's values, all 0 for a new one. Of no use after the next `add`. */
  add(key: Hash): Uint32Array {
    // Below two thirds full, a search looks at two or three slots.
    if (this.#size * 3 >= this.#keys.length) this.#grow();
    const slot = this.#slot(key);
    if (this.#isFree(slot)) {
      this.#size += 1;
      this.#keys.set(stored(key), slot * 2);
    }
    return this.#at(slot);
  }

  *[Symbol.iterator](): Generator<{ key: Hash; values: Uint32Array }> {
    for (let slot = 0; slot * 2 < this.#keys.length; slot++) {
      if (this.#isFree(slot)) continue;
      const key: Hash = [this.#keys[slot * 2] ?? 0, this.#keys[slot * 2 + 1] ?? 0];
      yield { key, values: this.#at(slot) };
    }
  }

  #at(slot: number): Uint32Array {
    return this.#values.subarray(slot * this.#columns, (slot + 1) * this.#columns);
  }

  /** Where the key is, or would be put. */
  #slot(key: Hash): number {
    const [a, b] = stored(key);
    const mask = this.#keys.length / 2 - 1;
    let slot = (a ^ Math.imul(b, 2654435761)) & mask;
    for (;;) {
      const isHere = this.#keys[slot * 2] === a && this.#keys[slot * 2 + 1] === b;
      if (isHere || this.#isFree(slot)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #isFree(slot: number): boolean {
    return this.#keys[slot * 2] === 0 && this.#keys[slot * 2 + 1] === 0;
  }

  #grow(): void {
    const keys = this.#keys;
    const values = this.#values;
    const columns = this.#columns;
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Uint32Array(values.length * 2);
    for (let from = 0; from * 2 < keys.length; from++) {
      const key: Hash = [keys[from * 2] ?? 0, keys[from * 2 + 1] ?? 0];
      if (key[0] === 0 && key[1] === 0) continue;
      const slot = this.#slot(key);
      this.#keys.set(key, slot * 2);
      this.#at(slot).set(values.subarray(from * columns, (from + 1) * columns));
    }
  }
}

/** Two zeros mark a free slot. */
function stored(key: Hash): Hash {
  return key[0] === 0 && key[1] === 0 ? [0, 1] : key;
}
