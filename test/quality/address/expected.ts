import { type Divisions, FORMER_NAMES } from '#libs/address';
import type { Labelled } from './labelled.ts';

/**
 * What the labelled pieces of an address say, found by looking at every division of the country
 * and without the parser: the divisions that fit all pieces. A level is determined where they are
 * one.
 */
export class Expectation {
  readonly #divisions: Divisions;
  readonly #byStem = new Map<string, number[]>();
  readonly #former = new Map<string, number[]>();

  constructor(divisions: Divisions) {
    this.#divisions = divisions;
    for (const [node, name] of divisions.names.entries()) {
      if (name === '市辖区') continue;
      const stem = stemOf(name);
      const nodes = this.#byStem.get(stem);
      if (nodes === undefined) this.#byStem.set(stem, [node]);
      else nodes.push(node);
    }
    for (const [above, former, ...now] of FORMER_NAMES) {
      const nodes = now.flatMap((name) => this.#below(above, name));
      this.#former.set(former, [...(this.#former.get(former) ?? []), ...nodes]);
    }
  }

  of({ spans }: Labelled): Expected {
    const named = (...labels: string[]) =>
      spans.filter(({ label }) => labels.includes(label)).map(({ text }) => text);
    const above = named('prov', 'city', 'district');
    const towns = named('town');
    if (above.length + towns.length === 0) return { kind: 'nothing named', nodes: [] };
    const known = above.filter((name) => this.#levelled(name, [0, 1, 2]).length > 0);
    const places = this.#places(known);
    const isAtOdds = named('redundant').some(
      (name) =>
        this.#isWhole(name) &&
        !this.#levelled(name, [0, 1, 2]).some((node) =>
          places.some((place) => this.#areNested(node, place)),
        ),
    );
    if (known.length > 0 && (places.length === 0 || isAtOdds))
      return { kind: 'contradictory', nodes: [] };
    if (known.length < above.length)
      return { kind: 'name not in the divisions', nodes: this.#today(places, known) };
    const streets = this.#streets(towns, above.length > 0 ? places : undefined);
    const nodes = streets.length > 0 ? streets : this.#today(places, above);
    return { kind: nodes.length > 0 ? 'found' : 'name not in the divisions', nodes };
  }

  #isWhole(name: string): boolean {
    const nodes = this.#levelled(name, [0, 1, 2]);
    return name.length > 2 && nodes.some((node) => this.#divisions.names[node] === name);
  }

  #areNested(a: number, b: number): boolean {
    return this.#divisions.isWithin(a, b) || this.#divisions.isWithin(b, a);
  }

  /** The deepest divisions of which every name is one of theirs or of a division above. */
  #places(above: readonly string[]): number[] {
    const sets = above.map((name) => this.#levelled(name, [0, 1, 2]));
    const all = [...new Set(sets.flat())];
    const fitting = all.filter((node) =>
      sets.every((set) => set.some((each) => this.#divisions.isWithin(node, each))),
    );
    return fitting.filter(
      (node) =>
        !fitting.some((each) => each !== node && this.#divisions.isWithin(each, node)) ||
        this.#divisions.level(node) === 2,
    );
  }

  /** A name of today is meant before a former one, if no street says otherwise. */
  #today(places: readonly number[], above: readonly string[]): number[] {
    const exact = places.filter((node) => above.includes(this.#divisions.names[node] as string));
    const whole = exact.filter((node) =>
      places.every((each) => this.#levelOf(each) <= this.#levelOf(node)),
    );
    return whole.length > 0 ? whole : [...places];
  }

  #streets(towns: readonly string[], places: readonly number[] | undefined): number[] {
    const found: number[] = [];
    for (const town of towns) {
      // A town may have become a county of its own.
      const all = this.#stemmed(town, [2, 3]).filter((node) =>
        places === undefined
          ? WHOLE_STREET.test(town) && sameStreet(this.#divisions.names[node] as string, town)
          : places.some((place) => this.#divisions.isWithin(node, place)),
      );
      const exact = all.filter((node) => sameStreet(this.#divisions.names[node] as string, town));
      found.push(...(exact.length > 0 ? exact : all));
    }
    return found;
  }

  #stemmed(name: string, levels: readonly number[]): number[] {
    const nodes = this.#byStem.get(stemOf(name)) ?? [];
    return nodes.filter((node) => levels.includes(this.#levelOf(node)));
  }

  #below(above: string, name: string): number[] {
    const { names } = this.#divisions;
    const isBelow = (node: number): boolean =>
      node >= 0 && (names[node] === above || isBelow(this.#divisions.parent(node)));
    return names.flatMap((each, node) =>
      each === name && this.#levelOf(node) < 3 && isBelow(node) ? [node] : [],
    );
  }

  #levelOf(node: number): number {
    return this.#divisions.level(node);
  }

  #levelled(name: string, levels: readonly number[]): number[] {
    const byStem = this.#stemmed(name, levels);
    // Whole names that exist are meant as they stand: 绍兴市 is not 绍兴县.
    const exact = byStem.filter((node) => this.#divisions.names[node] === name);
    const former = levels.includes(2) ? (this.#former.get(name) ?? []) : [];
    return [...(exact.length > 0 ? exact : byStem), ...former];
  }
}

function sameStreet(name: string, town: string): boolean {
  return name === town || name === `${town}办事处` || `${name}办事处` === town;
}

/** A name without what people leave out or write otherwise. */
function stemOf(name: string): string {
  const stem = name.replace(SUFFIX, '').replace(PEOPLES, '');
  return stem.length < 2 ? name : stem;
}

const WHOLE_STREET = /..(?:街道|镇|乡)$/;
const SUFFIX =
  /(?:特别行政区|自治区|自治州|自治县|自治旗|街道办事处|街道|地区|省|市|州|盟|县|区|旗|镇|民族乡|乡|苏木)$/;
const PEOPLES =
  /(?:(?:土家|苗|回|藏|彝|侗|瑶|满|蒙古|布依|壮|白|哈尼|傣|黎|羌|朝鲜|畲|哈萨克|柯尔克孜|达斡尔|各)族?)+$|(?:维吾尔)$/;

/** `nodes` are what the pieces may mean; one at a level determines it. */
export type Expected = {
  kind: 'found' | 'nothing named' | 'name not in the divisions' | 'contradictory';
  nodes: number[];
};
