import { type Contact, type Piece, splitContact } from './contact.ts';
import { parseDetail } from './detail.ts';
import { STREET } from './division-name.ts';
import { type Divisions, divisions } from './divisions.ts';
import { bareName, isFullName, nameScore, nameTail } from './name.ts';
import { normalizeAddress } from './normalize.ts';
import type { Detail, ParsedAddress, Place, Precision } from './parsed-address.ts';
import { placeGuesses, placeOf } from './place.ts';
import { RegionReader } from './region.ts';

/**
 * Reads "name, phone, address" in any order and any writing. Never throws and never invents: what
 * the text does not determine stays empty.
 */
export function parseAddress(text: string): ParsedAddress {
  const contact = splitContact(normalizeAddress(text));
  const known = divisions();
  const reader = new RegionReader(known);
  const country = countryOf(contact, known);
  const ends = readRegions(contact, reader, country !== '');
  const lines = linesOf(contact, ends, reader, known);
  const node = reader.resolve();
  const place = placeOf(known, node);
  const detail = parseDetail(lines.behindStreet);
  const guesses = placeGuesses(known, node, reader.tokens);
  if (detail.isChain) guesses.push({ field: 'building', reason: 'number-chain' });
  if (lines.isNameGuessed) guesses.push({ field: 'name', reason: 'position' });
  // Field by field: spreading the parts takes three times as long as all the rest.
  return {
    code: place.code,
    province: place.province,
    provinceCode: place.provinceCode,
    city: place.city,
    cityCode: place.cityCode,
    county: place.county,
    countyCode: place.countyCode,
    street: place.street,
    streetCode: place.streetCode,
    road: detail.road,
    number: detail.number,
    building: detail.building,
    unit: detail.unit,
    floor: detail.floor,
    room: detail.room,
    rest: detail.rest,
    name: lines.name,
    phone: contact.phone,
    postcode: lines.postcode,
    country,
    detail: lines.detail,
    precision: precisionOf(place, detail),
    guesses,
    conflicts: conflictsOf(contact, reader, node),
    candidates: reader.candidates(),
  };
}

/** Another country, where the address begins; not that of a shop further on. */
function countryOf({ body, pieces }: Contact, known: Divisions): string {
  const at = pieces.findIndex(({ start }) => COUNTRY.test(body.slice(start, start + 6)));
  const before = pieces.slice(0, Math.max(0, at));
  const isHere = before.some(
    ({ start, end }) => new RegionReader(known).readRun(body, start, end) > start,
  );
  const piece = pieces[at];
  return piece === undefined || isHere ? '' : (COUNTRY.exec(body.slice(piece.start))?.[1] ?? '');
}

/** Where the divisions end in each piece; its start if there are none. */
function readRegions({ body, pieces }: Contact, reader: RegionReader, isAbroad: boolean): number[] {
  const ends = pieces.map(({ start }) => start);
  if (isAbroad) return ends;
  const read = (isName: boolean) => {
    for (const [i, piece] of pieces.entries()) {
      if (looksLikeName(body, piece) !== isName) continue;
      ends[i] = reader.readRun(body, piece.start, piece.end);
    }
  };
  read(false);
  // 邹平 and 万华 are people as well as places.
  if (reader.isEmpty) read(true);
  for (const [i, { start, end }] of pieces.entries()) {
    if (!reader.isEmpty) break;
    ends[i] = reader.readWithin(body, start, end);
  }
  return ends;
}

function looksLikeName(body: string, { start, end, isNamed, isNearPhone }: Piece): boolean {
  return isNamed || (isNearPhone && end - start <= 4 && isFullName(body.slice(start, end)));
}

/** What is no division, by what it is. */
function linesOf(
  contact: Contact,
  ends: readonly number[],
  reader: RegionReader,
  known: Divisions,
): Lines {
  const { body, pieces } = contact;
  const named = findName(contact, ends);
  const lines: Lines = {
    name: '',
    isNameGuessed: false,
    postcode: '',
    detail: '',
    behindStreet: '',
  };
  for (const [i, piece] of pieces.entries()) {
    const text = body.slice(piece.start, piece.end);
    if (piece === named) {
      lines.name = bareName(text);
      lines.isNameGuessed = !piece.isNamed;
    } else if (lines.postcode === '' && pieces.length > 1 && POSTCODE.test(text)) {
      lines.postcode = text;
    } else {
      const kept = keptOf(contact, piece, ends[i] as number, reader, known);
      if (lines.name === '' && named === undefined) takeName(lines, kept, piece);
      const front = kept.head + kept.unclaimed;
      lines.detail = joined(lines.detail, front + kept.street + kept.tail);
      lines.behindStreet = joined(lines.behindStreet, `${front} ${kept.tail}`);
    }
  }
  return lines;
}

/** The piece that is the consignee's name, if one is. */
function findName({ body, pieces, phone }: Contact, ends: readonly number[]): Piece | undefined {
  let best = 0;
  let found: Piece | undefined;
  for (const [i, piece] of pieces.entries()) {
    if ((ends[i] as number) > piece.start) continue;
    const score = nameScore(body.slice(piece.start, piece.end), piece, phone !== '');
    if (score <= best) continue;
    best = score;
    found = piece;
  }
  return found;
}

/** A name that stands before the province or behind the house number without a blank. */
function takeName(lines: Lines, kept: Kept, piece: Piece): void {
  if (isFullName(kept.head)) {
    lines.name = kept.head;
    kept.head = '';
  } else if (piece.isNearPhone) {
    const at = nameTail(kept.tail);
    if (at < 0) return;
    lines.name = kept.tail.slice(at);
    kept.tail = kept.tail.slice(0, at);
  }
  lines.isNameGuessed = lines.name !== '';
}

/** A piece without the divisions that its meaning is made of, but with the street. */
function keptOf(
  { body }: Contact,
  piece: Piece,
  end: number,
  reader: RegionReader,
  known: Divisions,
): Kept {
  const kept: Kept = { head: '', unclaimed: '', street: '', tail: '' };
  let at = piece.start;
  for (const token of reader.tokens) {
    if (token.start < piece.start || token.end > piece.end) continue;
    const between = body.slice(at, token.start);
    if (at === piece.start) kept.head = between;
    else kept.unclaimed += between.replace(BETWEEN, '');
    const node = reader.claimed(token);
    const text = body.slice(token.start, token.end);
    if (node === undefined) kept.unclaimed += text;
    else if (known.level(node) === STREET && !known.isInPlaceOfCounty(node)) kept.street = text;
    at = token.end;
  }
  kept.tail = body.slice(Math.max(at, end), piece.end);
  return kept;
}

/** The names below what they have in common. */
function conflictsOf({ body }: Contact, reader: RegionReader, common: number): string[] {
  if (reader.conflicts.length === 0) return [];
  const tokens = reader.tokens.filter((token) => !reader.isAbove(token, common));
  const all = [...tokens, ...reader.conflicts];
  return [...new Set(all.map(({ start, end }) => body.slice(start, end)))];
}

function precisionOf(place: Place, detail: Detail): Precision {
  if (place.provinceCode === '') return 'none';
  if (place.cityCode === '') return 'province';
  if (place.countyCode === '') return 'city';
  if (detail.room !== '') return 'room';
  if (detail.building !== '') return 'building';
  if (detail.number !== '') return 'number';
  if (detail.road !== '') return 'road';
  return place.streetCode === '' ? 'county' : 'street';
}

function joined(text: string, more: string): string {
  const trimmed = more.trim();
  if (text === '') return trimmed;
  return trimmed === '' ? text : `${text} ${trimmed}`;
}

const POSTCODE = /^\d{6}$/;
/** What stands between divisions and says nothing. */
const BETWEEN =
  /[\s_\-,./>:;|、]+|中华人民共和国|中国|null|undefined|市辖区|其[它他]区|(?:省|自治区)直辖(?:县级行政区划)?/g;
/** Countries whose addresses may have names that are also a division's here, as 首尔市江南区. */
const COUNTRIES =
  '日本|韩国|朝鲜|蒙古国|越南|老挝|柬埔寨|泰国|缅甸|马来西亚|新加坡|印度尼西亚|印尼|菲律宾|印度|俄罗斯|' +
  '美国|加拿大|墨西哥|巴西|英国|法国|德国|意大利|西班牙|葡萄牙|荷兰|瑞士|瑞典|澳大利亚|新西兰';
const COUNTRY = new RegExp(`^(${COUNTRIES})(?![路街村城])`);

type Lines = {
  name: string;
  isNameGuessed: boolean;
  postcode: string;
  detail: string;
  behindStreet: string;
};

type Kept = { head: string; unclaimed: string; street: string; tail: string };
