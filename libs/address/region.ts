import { CITY, COUNTY, PROVINCE, STREET } from './division-name.ts';
import { CHANGED, type Divisions, FORMER, FULL, type How, SHORT } from './divisions.ts';
import { isFullName } from './name.ts';

/**
 * Reads names of divisions, piece by piece, and keeps every place that they may mean together. What
 * all of them have in common is what the text says; below that it says nothing.
 */
export class RegionReader {
  readonly #divisions: Divisions;
  /** The deepest division of each meaning; none: anywhere. */
  #meanings: readonly number[] = [];
  /** What a name meant in former times, should what it means today lead nowhere. */
  #formerMeanings: readonly number[] = [];
  readonly tokens: Token[] = [];
  /** Divisions named that cannot go together with those before. */
  readonly conflicts: Token[] = [];

  constructor(divisions: Divisions) {
    this.#divisions = divisions;
  }

  get isEmpty(): boolean {
    return this.#meanings.length === 0;
  }

  /** Reads names from `start` on and answers where they end, `start` if there are none. */
  readRun(text: string, start: number, end: number): number {
    let at = start;
    while (this.tokens.length < TOKENS_MAX) {
      const from = this.#skipFiller(text, at, end);
      const token = this.#readOne(text, from, end) ?? this.#readBehindZone(text, from, end);
      if (token === undefined) break;
      this.tokens.push(token);
      at = token.end;
    }
    return at === start ? at : this.#readStreetBehind(text, skip(EMPTY_WORDS, text, at), end);
  }

  /** A street that stands behind the road: 诚信大道福田街道, once its county is known. */
  #readStreetBehind(text: string, start: number, end: number): number {
    if (!this.#isStreetOpen()) return start;
    const may = (node: number) => this.#isNear(node, this.#meanings);
    for (let at = start + 2; at < end - 2; at++) {
      if (!this.#divisions.mayStart(text, at, end)) continue;
      let found: Token | undefined;
      const see = (node: number, to: number, how: How) => {
        if (how !== FULL || to - at < 3 || this.#divisions.level(node) !== STREET) return;
        if (this.#divisions.hasSuffix(node)) found = { start: at, end: to, how, nodes: [node] };
      };
      this.#divisions.read({ text, start: at, end, may, see });
      if (found === undefined) continue;
      this.tokens.push(found);
      this.#meanings = found.nodes;
      return found.end;
    }
    return start;
  }

  /** Whether one county is known and no street. */
  #isStreetOpen(): boolean {
    const common = this.#common(this.#meanings);
    return common >= 0 && this.#divisions.level(common) === COUNTY && this.conflicts.length === 0;
  }

  /** A zone between a city and its street is no division: 宁波市高新区梅墟街道. */
  #readBehindZone(text: string, at: number, end: number): Token | undefined {
    const from = this.isEmpty ? at : Math.min(skip(ZONES, text, at), end);
    if (from === at) return undefined;
    const before = this.conflicts.length;
    const token = this.#readOne(text, from, end);
    // What does not fit behind a zone may be any name.
    if (token === undefined) this.conflicts.length = before;
    return token;
  }

  /** As readRun, for a piece that begins with something else. */
  readWithin(text: string, start: number, end: number): number {
    for (let at = start + 1; at < end - 1; at++) {
      if (!this.#divisions.mayStart(text, at, end)) continue;
      const to = this.readRun(text, at, end);
      if (to === at) continue;
      if (this.#isSure(text, start, to)) return to;
      this.#forget();
    }
    return start;
  }

  /** Behind other words only whole names count: two of them, or one that is unmistakable. */
  #isSure(text: string, start: number, end: number): boolean {
    const [first] = this.tokens as [Token];
    if (first.how !== FULL) return false;
    // Whole names that contradict one another are not passed over in favour of the last of them.
    if (this.conflicts.length > 0) return true;
    if (this.tokens.length > 1 || isFullName(text.slice(start, first.start))) return true;
    const common = this.#common(this.#meanings);
    return (
      common >= 0 &&
      this.#divisions.level(common) >= COUNTY &&
      UNMISTAKABLE.test(text.slice(first.start, end))
    );
  }

  #forget(): void {
    this.tokens.length = 0;
    this.conflicts.length = 0;
    this.#meanings = [];
    this.#formerMeanings = [];
  }

  /** The deepest division that all meanings lie in, or -1. */
  resolve(): number {
    let common = this.#common(this.#meanings);
    for (const { nodes } of this.conflicts) {
      while (common >= 0 && !nodes.some((node) => this.#divisions.isWithin(node, common))) {
        common = this.#divisions.parent(common);
      }
    }
    return common < 0 ? common : this.#onlyChild(common);
  }

  /** Codes of the places that fit equally, at most ten; none if one fits. */
  candidates(): string[] {
    // A city without counties and what stands for its county are one place.
    const codes = new Set(this.#meanings.map((node) => this.#divisions.codeOf(node)));
    return codes.size < 2 || codes.size > 10 ? [] : [...codes];
  }

  /** The division that a token stands for, if it is part of what was read before any conflict. */
  claimed({ nodes }: Token): number | undefined {
    const common = this.#common(this.#meanings);
    return common < 0 ? undefined : nodes.find((node) => this.#divisions.isWithin(common, node));
  }

  isAbove({ nodes }: Token, node: number): boolean {
    return node >= 0 && nodes.some((each) => this.#divisions.isWithin(node, each));
  }

  /** 东莞 has no counties: what stands in their place in the codes is the city itself. */
  #onlyChild(node: number): number {
    const child = node + 1;
    const isOnly =
      this.#divisions.level(node) < COUNTY &&
      this.#divisions.parent(child) === node &&
      this.#divisions.last(child) === this.#divisions.last(node);
    return isOnly ? this.#onlyChild(child) : node;
  }

  #common(meanings: readonly number[]): number {
    let common = meanings[0] ?? -1;
    for (const meaning of meanings) {
      while (common >= 0 && !this.#divisions.isWithin(meaning, common)) {
        common = this.#divisions.parent(common);
      }
    }
    return common;
  }

  #readOne(text: string, start: number, end: number): Token | undefined {
    if (!this.#divisions.mayStart(text, start, end)) return undefined;
    const readings = this.#readings(text, start, end);
    for (const reading of readings) {
      if (!this.#isCredible(reading, text, start, end)) continue;
      const former = readings.find((each) => each.end === reading.end && each.how === FORMER);
      this.#settleFormer(reading);
      if (former !== undefined && former !== reading) this.#formerMeanings = former.nodes;
      this.#meanings = reading.meanings;
      return { start, end: reading.end, how: reading.how, nodes: reading.nodes };
    }
    return undefined;
  }

  /** Once only the former sense of a name leads on, that was the one: 余杭区塘栖镇. */
  #settleFormer({ meanings }: Reading): void {
    if (this.isEmpty || meanings.some((each) => this.#isNear(each, this.#meanings))) return;
    const token = this.tokens.findLast(({ nodes }) => sameMembers(nodes, this.#meanings));
    if (token === undefined) return;
    token.how = FORMER;
    token.nodes = [...this.#formerMeanings];
  }

  /**
   * What can be read at `start` and goes together with what was read, the best first: longer before
   * shorter, whole names before parts.
   */
  #readings(text: string, start: number, end: number): Reading[] {
    const readings: Reading[] = [];
    const may = (node: number) => this.#mayBeMeant(node);
    const see = (node: number, at: number, how: How) => {
      const meanings = this.#fit(node, how);
      if (meanings === undefined) return;
      const reading = readings.find((each) => each.end === at && each.how === how);
      if (reading === undefined) readings.push({ end: at, how, nodes: [node], meanings });
      else {
        reading.nodes.push(node);
        for (const meaning of meanings) {
          if (!reading.meanings.includes(meaning)) reading.meanings.push(meaning);
        }
      }
    };
    this.#divisions.read({ text, start, end, may, see });
    if (readings.length > 1) return readings.sort((a, b) => b.end - a.end || a.how - b.how);
    if (readings.length > 0 || this.isEmpty) return readings;
    const conflict = this.#conflictAt(text, start, end);
    if (conflict === undefined) return readings;
    if (this.#isStreetOnly()) {
      // 遂城镇广东省…: the street before the province is one that the divisions do not have.
      this.#meanings = [];
      this.#formerMeanings = [];
      return this.#readings(text, start, end);
    }
    this.conflicts.push(conflict);
    return readings;
  }

  /** The longest whole name that cannot go together with what was read. */
  #conflictAt(text: string, start: number, end: number): Token | undefined {
    let conflict: Token | undefined;
    const may = (node: number) => this.#mayConflict(node);
    const see = (node: number, at: number, how: How) => {
      if (how !== FULL || at - start < 3) return;
      if (conflict?.end === at) conflict.nodes.push(node);
      else conflict = { start, end: at, how, nodes: [node] };
    };
    this.#divisions.read({ text, start, end, may, see });
    return conflict;
  }

  /**
   * Once a county is known, the name of a county or street elsewhere is rather one that the
   * divisions do not have, such as 滨海新区, than a contradiction.
   */
  #mayConflict(node: number): boolean {
    const level = this.#divisions.level(node);
    if (level <= CITY) return true;
    const above = this.#divisions.parent(node);
    return this.#meanings.some(
      (each) =>
        this.#divisions.isWithin(each, above) ||
        (level === COUNTY && this.#divisions.level(each) < COUNTY),
    );
  }

  #isStreetOnly(): boolean {
    return this.tokens.every(({ nodes }) => this.#divisions.level(nodes[0] as number) === STREET);
  }

  #mayBeMeant(node: number): boolean {
    if (this.isEmpty) return true;
    return this.#isNear(node, this.#meanings) || this.#isNear(node, this.#formerMeanings);
  }

  /** Whether a division lies in one of these or one of these in it. */
  #isNear(node: number, meanings: readonly number[]): boolean {
    for (const meaning of meanings) {
      if (this.#divisions.isWithin(meaning, node) || this.#divisions.isWithin(node, meaning)) {
        return true;
      }
    }
    return false;
  }

  /** What is meant if `node` is named too; undefined if that makes no sense. */
  #fit(node: number, how: How): number[] | undefined {
    if (this.isEmpty) {
      // A street is known by its whole name only, until a county is known.
      const isWhole = how === FULL && this.#divisions.hasSuffix(node);
      return this.#divisions.level(node) < STREET || isWhole ? [node] : undefined;
    }
    return this.#narrow(node, this.#meanings) ?? this.#narrow(node, this.#formerMeanings);
  }

  #narrow(node: number, meanings: readonly number[]): number[] | undefined {
    let found: number[] | undefined;
    for (const meaning of meanings) {
      // A name above what is known, as in a repetition, leaves what is known.
      if (this.#divisions.isWithin(meaning, node)) found = [...(found ?? []), meaning];
      else if (this.#divisions.isWithin(node, meaning)) found = [...(found ?? []), node];
    }
    return found;
  }

  #isCredible(reading: Reading, text: string, start: number, end: number): boolean {
    const { how, nodes, meanings } = reading;
    if (COUNTY_ROAD.test(text.slice(start, reading.end + 2))) return false;
    if (how === FULL || how === FORMER) {
      // 东区, 新镇: no names of China's, unless a city is known.
      return reading.end - start > 2 || !this.isEmpty || text[start + 1] === '县';
    }
    if (how === CHANGED) {
      if (text.startsWith('市场', reading.end - 1)) return false;
      return !this.isEmpty || (!text.endsWith('新区', reading.end) && this.#common(meanings) >= 0);
    }
    if (this.#leadsOn(reading, text, end)) return true;
    const next = text.slice(reading.end, reading.end + 6);
    if (OTHER_THINGS.test(next) || sameMembers(meanings, this.#meanings)) return false;
    // 余杭塘路, 虹梅路: roads, though there is 余杭区 and 虹梅路街道.
    if (ANY_ROAD.test(next) || ROAD_END.test(text.slice(start, reading.end))) return false;
    const level = Math.min(...nodes.map((node) => this.#rank(node)));
    if (level === PROVINCE) return false;
    if (level === STREET && ZONE.test(next)) return false;
    if (level === STREET) return meanings.length === 1 && this.#isCityKnown();
    if (level === CITY || !this.isEmpty) return true;
    // Many a county's short name is a common word: it must name nothing else anywhere.
    const namesakes = this.#divisions.namesakes(text.slice(start, reading.end));
    return this.#common(namesakes) >= 0;
  }

  /** The level; of a province that is a city, that of a city. */
  #rank(node: number): number {
    const isCity = MUNICIPALITIES.has(this.#divisions.codes[node] as string);
    return isCity ? CITY : this.#divisions.level(node);
  }

  #isCityKnown(): boolean {
    const common = this.#common(this.#meanings);
    if (common >= 0 && this.#rank(common) >= CITY) return true;
    return this.#meanings.every((each) => this.#divisions.level(each) >= COUNTY);
  }

  /** Whether the next piece names something that goes together with this one. */
  #leadsOn({ end: at, nodes, meanings }: Reading, text: string, end: number): boolean {
    const from = this.#skipFiller(text, at, end);
    const level = this.#divisions.level(nodes[0] as number);
    let leads = false;
    const may = (node: number) => !leads && this.#isNear(node, meanings);
    const see = (node: number, to: number, how: How) => {
      if (leads || to - from < (how === SHORT ? 2 : 3)) return;
      if (how === SHORT) {
        const below = this.#divisions.level(node);
        if (below <= level || (below === STREET && level !== COUNTY)) return;
        if (OTHER_THINGS.test(text.slice(to, to + 6))) return;
        // 文昌东路 is a road, though there is a 东路镇 in 文昌.
        if (below === STREET && ANY_ROAD.test(text.slice(from, from + 4))) return;
      }
      leads = true;
    };
    this.#divisions.read({ text, start: from, end, may, see });
    return leads;
  }

  #skipFiller(text: string, at: number, end: number): number {
    const from = skip(FILLER, text, at);
    // In the codes, Chongqing's counties are below 县.
    const isHalf = text[from] === '县' && text.endsWith('重庆市', from);
    return Math.min(isHalf ? from + 1 : from, end);
  }
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(text);
  return Math.max(at, pattern.lastIndex);
}

function sameMembers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((each) => b.includes(each));
}

const FILLER =
  /(?:[\s_\-,./>:;|、]+|中华人民共和国|中国|null|undefined|市辖区|其[它他]区|(?:省|自治区)直辖(?:县级行政区划)?|(?<=市)区)*/y;
const ZONES =
  /(?:(?:高新|经济)?(?:技术)?(?:产业)?开发区|高新区|新区|城区|[\u4e00-\u9fff]{2,4}?新区)+/y;
/** Words in the place of a county that name none. */
const EMPTY_WORDS = /(?:市辖区|其[它他]区|(?:省|自治区)直辖县级行政区划)*/y;
/** What makes a short name part of another: 长兴路, 南京东路, 朝阳大街. */
const OTHER_THINGS = new RegExp(
  '^(?:[山江河湖海]?[东南西北中前后上下新老]?[一二三四五六七八九十\\d]{0,2}' +
    '(?:路|街(?!道)|大道|大街|巷|弄|公路|高速|国道|省道)|线|站(?!前)|桥(?!镇))',
);
/** 鄞县大道 is not in 鄞县. */
const COUNTY_ROAD = /^.县(?:大道|大街|路|街)/;
/** The same with a character between: 余杭塘路. */
const ANY_ROAD = /^[\u4e00-\u9fff]?(?:路|大道|大街|街(?!道)|巷)/;
/** No address names its divisions more often; a text made to take time might. */
const TOKENS_MAX = 30;
const ROAD_END = /[路街道巷]$/;
const UNMISTAKABLE = /..(?:区|县|街道|镇|乡)$/;
/** 临江工业区 need not be in 临江街道. */
const ZONE = /^(?:工业|经济|开发|科技|产业|物流|创业|高新)/;
/** Provinces that are cities. */
const MUNICIPALITIES: ReadonlySet<string> = new Set(
  ['11', '12', '31', '50', '81', '82'].map((code) => `${code}0000`),
);

/** A piece of the text that names one division, or several of one name. */
export type Token = { start: number; end: number; how: How; nodes: number[] };
type Reading = { end: number; how: How; nodes: number[]; meanings: number[] };
