import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HashTable, hashText } from './hash.ts';
import { Ledger } from './ledger.ts';

const u32 = fc.integer({ min: 0, max: 0xffffffff });

describe('HashTable', () => {
  it('holds what a Map holds, however it grows', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(u32, u32, u32), { maxLength: 300 }), (entries) => {
        const table = new HashTable(2, 4);
        const map = new Map<string, number>();
        for (const [a, b, value] of entries) {
          table.add([a, b])[1] = value;
          map.set(nameOf(a, b), value);
        }
        for (const [a, b] of entries) expect(table.find([a, b])?.[1]).toBe(map.get(nameOf(a, b)));
        expect(table.size).toBe(map.size);
        expect([...table]).toHaveLength(map.size);
      }),
    );
  });

  it('does not know what was never added', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(u32, { minLength: 1, maxLength: 99 }),
        ([first = 0, ...others]) => {
          const table = new HashTable(1, 4);
          for (const other of others) table.add([other, 7]);
          expect(table.find([first, 7])).toBeUndefined();
        },
      ),
    );
  });
});

/** The key of two zeros is kept as another one. */
function nameOf(a: number, b: number): string {
  return a === 0 && b === 0 ? '0 1' : `${a} ${b}`;
}

describe('hashText', () => {
  it('tells a hundred thousand numbers apart', () => {
    const seen = new Set<string>();
    for (let i = 0; i < 100_000; i++) seen.add(hashText(`Q${i}`).join());
    expect(seen.size).toBe(100_000);
  });
});

describe('Ledger', () => {
  const things = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.string()), { maxLength: 50 });

  it('agrees when both sides name the same, in any order', () => {
    fc.assert(
      fc.property(things, fc.infiniteStream(fc.nat()), (named, turns) => {
        const ledger = new Ledger();
        for (const [minute, thing] of named) ledger.add(1, minute, thing);
        const other = named.map((each) => ({ each, turn: turns.next().value }));
        other.sort((a, b) => a.turn - b.turn);
        for (const { each } of other) ledger.add(-1, ...each);
        expect(ledger.differing()).toEqual([]);
      }),
    );
  });

  it('finds the minute in which one side names one thing more, or another one', () => {
    fc.assert(
      fc.property(things, fc.integer({ min: 0, max: 5 }), fc.string(), (named, minute, thing) => {
        const ledger = new Ledger();
        for (const each of named) {
          ledger.add(1, ...each);
          ledger.add(-1, ...each);
        }
        ledger.add(1, minute, thing);
        expect(ledger.differing()).toEqual([minute]);
        ledger.add(-1, minute, `${thing}x`);
        expect(ledger.differing()).toEqual([minute]);
      }),
    );
  });
});
