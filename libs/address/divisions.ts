import { COUNTY, type Level, otherSuffixes, STREET, splitName } from './division-name.ts';
import { type Named, type Row, readRows, readShopTowns } from './division-rows.ts';
import { FORMER_NAMES } from './former-names.ts';
import { foldText, foldUnit, normalizeAddress } from './normalize.ts';
import { Trie } from './trie.ts';

/**
 * China's divisions from province to street, each a number: a parent has a smaller number than all
 * below it, and what is below it is one range. Codes are those of GB/T 2260 with the National
 * Bureau of Statistics' three digits for streets; Hong Kong, Macau and Taiwan, where the standard
 * ends at the province, have the codes that shops use.
 */
export class Divisions {
  readonly names: readonly string[];
  readonly codes: readonly string[];
  readonly levels: Uint8Array;
  /** -1 above a province. */
  readonly parents: Int32Array;
  /** The last number below each. */
  readonly lasts: Int32Array;
  readonly #suffixes: readonly string[];
  readonly #trie = new Trie(200_000);
  readonly #shown: readonly string[];
  readonly #shopCodes = new Map<number, string>();
  readonly #byCode = new Map<string, number>();

  constructor(rows: readonly Row[], shopTowns: readonly Named[]) {
    const parts = rows.map((row) => splitName(plainName(row, rows), row.level));
    this.names = rows.map(({ name }) => name);
    this.codes = rows.map(({ code }) => code);
    this.levels = Uint8Array.from(rows, ({ level }) => level);
    this.parents = Int32Array.from(rows, ({ parent }) => parent);
    this.lasts = Int32Array.from(rows, (_, node) => node);
    for (let node = rows.length - 1; node > 0; node--) {
      const parent = this.parents[node] as number;
      if (parent >= 0 && this.last(parent) < this.last(node)) {
        this.lasts[parent] = this.last(node);
      }
    }
    this.#suffixes = parts.map(({ suffix }) => suffix);
    for (const [node, { stem }] of parts.entries()) {
      if (!UNNAMED.has(stem)) this.#trie.insert(stem, node);
      const code = this.codes[node] as string;
      // A city without counties and what stands for its county have one code.
      if (!this.#byCode.has(code)) this.#byCode.set(code, node);
    }
    this.#shown = rows.map((_, node) => this.#shownName(node));
    for (const { code, name } of shopTowns) this.#addShopTown(code, name);
    this.#addFormerNames();
  }

  level(node: number): Level {
    return this.levels[node] as Level;
  }

  parent(node: number): number {
    return this.parents[node] as number;
  }

  last(node: number): number {
    return this.lasts[node] as number;
  }

  /** Whether `node` is `ancestor` or below it. */
  isWithin(node: number, ancestor: number): boolean {
    return node >= ancestor && node <= this.last(ancestor);
  }

  /** The division of a code, or undefined. */
  find(code: string): number | undefined {
    return this.#byCode.get(code);
  }

  /** Of the division itself and those above it the one of this level, or -1. */
  at(node: number, level: Level): number {
    const at = this.#upTo(node, level);
    return at >= 0 && this.level(at) === level ? at : -1;
  }

  #upTo(node: number, level: Level): number {
    let at = node;
    while (at >= 0 && this.level(at) > level) at = this.parent(at);
    return at;
  }

  /** As people write it: no text where the codes alone have a level. */
  nameOf(node: number): string {
    return node < 0 ? '' : (this.#shown[node] as string);
  }

  codeOf(node: number): string {
    return node < 0 ? '' : (this.codes[node] as string);
  }

  /** Six digits for the county or what is above it; see `Place.code`. */
  shopCode(node: number): string {
    return this.#shopCodes.get(node) ?? this.codeOf(this.#upTo(node, COUNTY));
  }

  /** Whether a street has the place of a county in addresses, as in 东莞. */
  isInPlaceOfCounty(node: number): boolean {
    return this.#shopCodes.has(node);
  }

  hasSuffix(node: number): boolean {
    return this.#suffixes[node] !== '';
  }

  /** Every division that is called `stem` but for its suffix. */
  namesakes(stem: string): number[] {
    let state = 0;
    for (let at = 0; at < stem.length; at++) {
      state = this.#trie.step(state, foldUnit(stem.charCodeAt(at)));
      if (state === 0) return [];
    }
    const nodes: number[] = [];
    for (let entry = this.#trie.first(state); entry >= 0; entry = this.#trie.after(entry)) {
      const value = this.#trie.valueOf(entry);
      nodes.push(value < 0 ? -1 - value : value);
    }
    return nodes;
  }

  /** Whether any name begins with the first two characters; no name has only one. */
  mayStart(text: string, start: number, end: number): boolean {
    if (start + 1 >= end) return false;
    const state = this.#trie.step(0, foldUnit(text.charCodeAt(start)));
    return state !== 0 && this.#trie.step(state, foldUnit(text.charCodeAt(start + 1))) !== 0;
  }

  /**
   * Calls `see` for every division that the text names from `start` on, shorter pieces first, of
   * those that `may` be meant. Common names have hundreds of divisions: that is asked first.
   */
  read({ text, start, end, may, see }: Reading): void {
    let state = 0;
    for (let at = start; at < end; ) {
      state = this.#trie.step(state, foldUnit(text.charCodeAt(at)));
      if (state === 0) return;
      at++;
      for (let entry = this.#trie.first(state); entry >= 0; entry = this.#trie.after(entry)) {
        const value = this.#trie.valueOf(entry);
        const node = value < 0 ? -1 - value : value;
        if (!may(node)) continue;
        if (value < 0) see(node, at, FORMER);
        else this.#readSuffix(text, node, at, end, see);
      }
    }
  }

  #readSuffix(text: string, node: number, at: number, end: number, see: See): void {
    const suffix = this.#suffixes[node] as string;
    if (startsAt(text, at, end, suffix)) {
      see(node, at + suffix.length, FULL);
      return;
    }
    for (const other of otherSuffixes(this.level(node))) {
      if (!startsAt(text, at, end, other)) continue;
      see(node, at + other.length, CHANGED);
      break;
    }
    see(node, at, SHORT);
  }

  #addShopTown(code: string, name: string): void {
    const city = this.#byCode.get(`${code.slice(0, 4)}00`);
    if (city === undefined || this.last(city + 1) !== this.last(city)) return;
    for (let node = city + 2; node <= this.last(city); node++) {
      if (this.names[node] === name) this.#shopCodes.set(node, code);
    }
  }

  #addFormerNames(): void {
    for (const [cityName, former, ...now] of FORMER_NAMES) {
      for (const name of now) {
        const node = this.#named(cityName, name);
        this.#trie.insert(foldText(former), -1 - node);
      }
    }
  }

  #shownName(node: number): string {
    const name = this.names[node] as string;
    const level = this.level(node);
    const above = this.names[this.parent(node)] ?? '';
    // 北京市 is its own city; 仙桃市 lies in none.
    if (UNNAMED.has(name)) return MUNICIPAL.has(name) ? above : '';
    // 东莞市 stands in the codes as its own county.
    return level === COUNTY && name === above ? '' : name;
  }

  /** By the names of a city or province and of a county in it, or of the city again. */
  #named(above: string, name: string): number {
    const { stem } = splitName(foldText(name), COUNTY);
    const found = this.namesakes(stem).find(
      (node) =>
        this.names[node] === name && this.level(node) < STREET && this.#isBelow(node, above),
    );
    if (found === undefined) throw new Error(`no division ${above} ${name}`);
    return found;
  }

  #isBelow(node: number, name: string): boolean {
    for (let at = node; at >= 0; at = this.parent(at)) if (this.names[at] === name) return true;
    return false;
  }
}

/** The divisions, read and indexed with the first call, which takes about 0.15 s. */
export function divisions(): Divisions {
  known ??= new Divisions(readRows(), readShopTowns());
  return known;
}

/** As a text is compared with it. 济源市沁园街道 in 济源市 is called 沁园街道. */
function plainName({ name, level, parent }: Row, rows: readonly Row[]): string {
  const above = level === STREET ? (rows[parent]?.name ?? '') : '';
  const isDoubled = above !== '' && name.startsWith(above) && name.length >= above.length + 3;
  return foldText(normalizeAddress(isDoubled ? name.slice(above.length) : name));
}

function startsAt(text: string, at: number, end: number, suffix: string): boolean {
  if (at + suffix.length > end) return false;
  for (let i = 0; i < suffix.length; i++) {
    if (foldUnit(text.charCodeAt(at + i)) !== suffix.charCodeAt(i)) return false;
  }
  return true;
}

let known: Divisions | undefined;

/** Levels that exist in the codes alone. */
const MUNICIPAL: ReadonlySet<string> = new Set(['市辖区', '县']);
const UNNAMED: ReadonlySet<string> = new Set([
  '市辖区',
  '县',
  '省直辖县级行政区划',
  '自治区直辖县级行政区划',
]);

/** How a text names a division, the surest first. */
export type How = 0 | 1 | 2 | 3;
/** As today's divisions have it. */
export const FULL = 0;
/** By a name that it, or a part of it, had before. */
export const FORMER = 1;
/** With another suffix: 镇 that is 街道 now, or 县 for 自治县. */
export const CHANGED = 2;
/** Without suffix. */
export const SHORT = 3;

type See = (node: number, end: number, how: How) => void;
type Reading = {
  text: string;
  start: number;
  end: number;
  may: (node: number) => boolean;
  see: See;
};
