import { foldText } from './normalize.ts';
import type { Detail } from './parsed-address.ts';

/**
 * Road, number, building, unit, floor and room in what stands behind the street. What is in none of
 * them is the rest: villages, estates, shops, hints.
 */
export function parseDetail(text: string): Detail & { isChain: boolean } {
  const found = new Finder(text);
  // A foreign address, or none: nothing of it means what it would mean here.
  if (!IDEOGRAPH.test(text)) return found.parts(false);
  found.takeRoad();
  found.take('number', NUMBER);
  const isChain = found.takeChain();
  if (!isChain) found.take('building', BUILDING);
  if (!isChain) found.take('unit', UNIT);
  found.take('floor', FLOOR);
  if (!isChain) found.take('room', ROOM);
  return found.parts(isChain);
}

/** A text from which one part after the other is taken; places are those of the simplified text. */
class Finder {
  #text: string;
  /** The same in simplified characters: 號 is 号. */
  #folded: string;
  readonly #found = { road: '', number: '', building: '', unit: '', floor: '', room: '' };

  constructor(text: string) {
    this.#text = text;
    this.#folded = foldText(text);
  }

  take(field: keyof Omit<Detail, 'rest'>, pattern: RegExp): void {
    const match = pattern.exec(this.#folded);
    if (match !== null) this.#found[field] = this.#cut(match.index, match[0].length).trim();
  }

  takeRoad(): void {
    const match = ROAD.exec(this.#folded);
    if (match === null) return;
    const name = match[1] as string;
    let skipped = 0;
    // 下宅村万里公路: the road's name begins behind the village.
    for (let at = name.length - 2; at > 1 && skipped === 0; at--) {
      if (PLACE_END.test(name.slice(at - 2, at))) skipped = at;
    }
    this.#found.road = this.#cut(match.index + skipped, match[0].length - skipped);
  }

  /** 8-2-301 or 8-301; answers whether there is one. */
  takeChain(): boolean {
    const match = CHAIN.exec(this.#folded);
    if (match === null) return false;
    const [all, building = '', unit = '', room = ''] = match;
    this.#found.building = building;
    this.#found.unit = unit;
    this.#found.room = room;
    this.#cut(match.index, all.length);
    return true;
  }

  parts(isChain: boolean): Detail & { isChain: boolean } {
    const { road, number, building, unit, floor, room } = this.#found;
    const rest = this.#text.replace(BLANKS, ' ').trim();
    return { road, number, building, unit, floor, room, rest, isChain };
  }

  #cut(start: number, length: number): string {
    const end = start + length;
    const part = this.#text.slice(start, end);
    this.#text = `${this.#text.slice(0, start)} ${this.#text.slice(end)}`;
    this.#folded = `${this.#folded.slice(0, start)} ${this.#folded.slice(end)}`;
    return part;
  }
}

const IDEOGRAPH = /[\u3400-\u9fff]/;
const BLANKS = / {2,}/g;
const ROAD = new RegExp(
  '([\\u3400-\\u9fff]{1,12}?(?:\\d{1,3}号?)?|[GSXY]?\\d{1,3}号?)' +
    '(?:大道|大街|公路|国道|省道|县道|胡同|(?:[路街]|(?<!街)道)(?!口|边|旁|店|灯|道)|巷)' +
    '(?:[东西南北中一二三四五六七八九十]{1,2}(?:段|路|街|巷|弄)|辅路)?',
);
const PLACE_END = /[村区镇乡园苑城场厦社]$|街道$/;
const HOUSE = '\\d+(?:[-之]\\d+)*[A-Za-z]?';
const NUMBER = new RegExp(
  `(?:[甲乙丙丁]?${HOUSE}(?:弄|巷) ?${HOUSE}号?|[甲乙丙丁]?${HOUSE}(?:号|弄))(?![号楼库门院铺幢栋])`,
);
const CHAIN = new RegExp(
  '(?<![\\dA-Za-z-])([A-Za-z]?\\d{1,4}[幢栋]?)-(?:(\\d{1,3}(?:单元)?)-)?' +
    '([A-Za-z]?\\d{1,5}[A-Za-z]?(?:室|号)?)(?![\\d-])',
);
const COUNT = '(?:\\d+|[一二三四五六七八九十]+|[A-Za-z]\\d*)';
const BUILDING = new RegExp(`${COUNT}(?:幢|栋|号楼|#楼|座|#)`);
const UNIT = new RegExp(`${COUNT}单元`);
const FLOOR = /(?:\d+|[一二三四五六七八九十]+)(?:楼|层|[Ff](?![A-Za-z]))/;
const ROOM = new RegExp(
  [
    '(?:[A-Za-z]-?)?\\d+[A-Za-z]?(?:-\\d+)?(?:室|号房|房|号(?![楼库门院]))',
    // 2幢301: a bare number counts only behind a building, unit or floor.
    '(?<=^|[ 幢栋座楼层])(?:[A-Za-z]-?)?\\d{2,5}[A-Za-z]?(?![\\d\\u4e00-\\u9fff])',
  ].join('|'),
);
