import { createRequire } from 'node:module';
import { type Divisions, divisions } from '#libs/address';
import type { Answer } from './measure.ts';

/** The npm package `address-parse`, which our own parser is measured beside. */
export function peerParse(text: string): PeerAnswer | undefined {
  return parser().parse(text)[0];
}

/** Its answer in our terms. Where its codes are older than ours, its names are looked up. */
export function peerAnswer(text: string): Answer {
  const found = peerParse(text);
  if (found === undefined) return NOTHING;
  const { name, mobile, phone, details } = found;
  const [code, provinceCode, cityCode, countyCode] = peerCodes(divisions(), found);
  return {
    code,
    provinceCode,
    cityCode,
    countyCode,
    streetCode: '',
    name,
    phone: mobile || phone,
    detail: details,
  };
}

function peerCodes(known: Divisions, found: PeerAnswer): [string, string, string, string] {
  const code = found.code ?? '';
  if (code === '') return ['', '', '', ''];
  const province = `${code.slice(0, 2)}0000`;
  const city = found.city === '' ? '' : `${code.slice(0, 4)}00`;
  if (found.area === '') return [code, province, city, ''];
  const named = known.find(`${code.slice(0, 4)}00`);
  for (let node = named ?? 0; named !== undefined && node <= known.last(named); node++) {
    if (known.names[node] !== found.area || known.level(node) !== 2) continue;
    return [code, province, city, known.codeOf(node)];
  }
  return [code, province, city, code];
}

function parser(): { parse(text: string): PeerAnswer[] } {
  loaded ??= (createRequire(import.meta.url)('address-parse') as { default: Parser }).default;
  return loaded;
}

let loaded: Parser | undefined;

const NOTHING: Answer = {
  code: '',
  provinceCode: '',
  cityCode: '',
  countyCode: '',
  streetCode: '',
  name: '',
  phone: '',
  detail: '',
};

type Parser = { parse(text: string): PeerAnswer[] };
type PeerAnswer = Record<'city' | 'area' | 'name' | 'mobile' | 'phone' | 'details', string> & {
  code?: string;
};
