import { CITY, COUNTY, type Level, PROVINCE, STREET } from './division-name.ts';
import { CHANGED, type Divisions, divisions, FORMER, FULL, type How } from './divisions.ts';
import { foldText, normalizeAddress } from './normalize.ts';
import type { Guess, GuessReason, Place } from './parsed-address.ts';
import type { Token } from './region.ts';

/** Names and codes of a division and all above it; all empty for -1. */
export function placeOf(divisions: Divisions, node: number): Place {
  if (node < 0) return NOWHERE;
  const province = divisions.at(node, PROVINCE);
  const city = divisions.at(node, CITY);
  const county = divisions.at(node, COUNTY);
  const street = divisions.at(node, STREET);
  return {
    code: divisions.shopCode(node),
    province: divisions.nameOf(province),
    provinceCode: divisions.codeOf(province),
    city: divisions.nameOf(city),
    cityCode: divisions.codeOf(city),
    county: divisions.nameOf(county),
    countyCode: divisions.codeOf(county),
    street: divisions.nameOf(street),
    streetCode: divisions.codeOf(street),
  };
}

/**
 * An address in fields as one text to be read. Province and city are spelt out: in its field 浙江 is
 * the province, in a text it could be part of any name.
 */
export function addressText({ province, city, district, street, detail = '' }: Fields): string {
  const above = `${spelt(province, PROVINCE)}${spelt(city, CITY)}`;
  return `${above}${district}${street}${detail}`;
}

function spelt(name: string, level: Level): string {
  const known = divisions();
  const nodes = known
    .namesakes(foldText(normalizeAddress(name)))
    .filter((node) => known.level(node) === level);
  return nodes.length === 1 ? known.nameOf(nodes[0] as number) : name;
}

/**
 * The code of the narrowest division of a place, as areas and sort codes are kept by it: a province
 * in two digits, a city in four, a county in six, a street in nine. Empty if none is known.
 */
export function divisionCode(place: Place): string {
  const { streetCode, countyCode, cityCode, provinceCode } = place;
  return streetCode || countyCode || cityCode.slice(0, 4) || provinceCode.slice(0, 2);
}

/** What of the place the text has only in part, or not at all. */
export function placeGuesses(
  divisions: Divisions,
  node: number,
  tokens: readonly Token[],
): Guess[] {
  const guesses: Guess[] = [];
  if (node < 0) return guesses;
  let isAboveNamed = false;
  for (const level of [PROVINCE, CITY, COUNTY, STREET] as const) {
    const at = divisions.at(node, level);
    const how = at < 0 ? undefined : surest(tokens, at);
    if (how === undefined) continue;
    if (!isAboveNamed && level > CITY) guesses.push({ field: FIELDS[level], reason: 'only-place' });
    isAboveNamed = true;
    if (how !== FULL) guesses.push({ field: FIELDS[level], reason: reasonOf(how) });
  }
  return guesses;
}

function surest(tokens: readonly Token[], node: number): How | undefined {
  let surest: How | undefined;
  for (const { nodes, how } of tokens) {
    if (nodes.includes(node) && (surest === undefined || how < surest)) surest = how;
  }
  return surest;
}

function reasonOf(how: How): GuessReason {
  if (how === FORMER) return 'former-name';
  return how === CHANGED ? 'other-kind' : 'short-name';
}

const FIELDS: Readonly<Record<Level, 'province' | 'city' | 'county' | 'street'>> = {
  0: 'province',
  1: 'city',
  2: 'county',
  3: 'street',
};

const NOWHERE: Place = {
  code: '',
  province: '',
  provinceCode: '',
  city: '',
  cityCode: '',
  county: '',
  countyCode: '',
  street: '',
  streetCode: '',
};

type Fields = {
  province: string;
  city: string;
  district: string;
  street: string;
  detail?: string;
};
