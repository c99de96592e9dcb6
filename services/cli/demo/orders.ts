import { open } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import { distanceM } from '#libs/geo';
import type { Node } from '#proto/queqiao/network/v1/node';
import { type City, demoCities } from './gazetteer.ts';
import { DEMO_MERCHANT_ID, demoNetwork } from './network.ts';
import { mobileNumber, personName, streetDetail } from './people.ts';
import { type Random, seeded } from './random.ts';

/**
 * A day of one merchant's orders, `count` parcels: people and places are made up from common names
 * and the official divisions. The same rows every time; more rows begin with the same ones.
 */
export function demoOrders(count = 360): DemoOrder[] {
  const random = seeded(20_260_618);
  const cities = demoCities();
  const nodeOf = nearestNodes(cities);
  const orders: DemoOrder[] = [];
  for (let number = 1; orders.length < count; number++) {
    const city = random.pickWeighted(cities, ({ weight }) => weight);
    const order = { ...consignee(city, random), nodeId: nodeOf.get(city) as string };
    const orderRef = `QH260618-${String(number).padStart(5, '0')}`;
    // About four orders in a hundred need more than one parcel.
    const parcelCount = random.chance(0.04) ? random.integer(2, 3) : 1;
    const courier = carrier(random);
    for (let parcelNo = 1; parcelNo <= parcelCount; parcelNo++) {
      orders.push({ orderRef, parcelNo, ...order, ...courier, ...goods(random) });
    }
  }
  return orders.slice(0, count);
}

/** Writes the sample order file as a merchant's system would: CSV, UTF-8, Chinese headings. */
export async function writeDemoOrders(path: string, count?: number): Promise<DemoOrder[]> {
  const orders = demoOrders(count);
  const columns = Object.entries(HEADINGS).map(([key, header]) => ({ key, header }));
  const text = stringify(orders, { header: true, columns, bom: true, record_delimiter: 'windows' });
  await using file = await open(path, 'w');
  await file.writeFile(text);
  return orders;
}

/** What the merchant may ship from, by the city it is nearest to. */
function nearestNodes(cities: readonly City[]): Map<City, string> {
  const usable = demoNetwork().nodes.filter(
    ({ merchantId }) => merchantId === '' || merchantId === DEMO_MERCHANT_ID,
  );
  return new Map(
    cities.map((city) => {
      const distances = usable.map(({ location }) => distanceM(city.centre, pointOf(location)));
      return [city, (usable[distances.indexOf(Math.min(...distances))] as Node).nodeId];
    }),
  );
}

function pointOf(location: Node['location']) {
  return { latitudeDeg: location?.latitudeDeg ?? 0, longitudeDeg: location?.longitudeDeg ?? 0 };
}

function consignee({ province, city, districts }: City, random: Random) {
  const district = random.pick(districts);
  return {
    name: personName(random),
    phone: mobileNumber(random),
    province,
    city,
    district: district.name,
    street: random.pick(district.streets),
    detail: streetDetail(random),
    remark: random.chance(0.12) ? random.pick(REMARKS) : '',
  };
}

function carrier(random: Random) {
  if (random.chance(0.65)) {
    return { courierId: 'lingque', serviceCode: random.chance(0.2) ? 'next-day' : 'standard' };
  }
  return { courierId: 'qianxing', serviceCode: random.chance(0.5) ? 'economy' : 'standard' };
}

function goods(random: Random) {
  const { name, weightG, valueFen } = random.pick(GOODS);
  const pieces = random.pickWeighted([1, 2, 3, 6], (n) => 1 / n);
  // Goods and their box.
  const weight = weightG * pieces + random.integer(8, 30) * 10;
  return {
    goodsDescription: pieces === 1 ? name : `${name} ${pieces} 件`,
    weightKg: decimal(weight, 3),
    goodsValueYuan: decimal(valueFen * pieces, 2),
  };
}

function decimal(units: number, digits: number): string {
  const text = String(units).padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const REMARKS = ['放门卫', '工作日送货', '送前请电话联系', '放快递柜', '周末不在家', '请勿倒置'];

const GOODS = [
  { name: '龙井茶 100g 罐装', weightG: 220, valueFen: 12_800 },
  { name: '茉莉花茶 250g 袋装', weightG: 270, valueFen: 4_990 },
  { name: '普洱茶饼 357g', weightG: 420, valueFen: 16_800 },
  { name: '铁观音礼盒', weightG: 980, valueFen: 29_900 },
  { name: '白瓷盖碗茶具', weightG: 1_350, valueFen: 8_900 },
  { name: '玻璃公道杯', weightG: 310, valueFen: 3_550 },
  { name: '竹制茶盘', weightG: 2_400, valueFen: 15_900 },
  { name: '桂花红茶 50g 试饮装', weightG: 90, valueFen: 1_990 },
];

const HEADINGS: Record<keyof DemoOrder, string> = {
  orderRef: '订单号',
  parcelNo: '包裹序号',
  name: '收件人',
  phone: '手机',
  province: '省',
  city: '市',
  district: '区县',
  street: '街道',
  detail: '详细地址',
  goodsDescription: '品名',
  weightKg: '重量(千克)',
  goodsValueYuan: '货值(元)',
  courierId: '快递公司',
  serviceCode: '产品',
  nodeId: '发货仓',
  remark: '备注',
};

export type DemoOrder = {
  orderRef: string;
  parcelNo: number;
  name: string;
  phone: string;
  province: string;
  city: string;
  district: string;
  street: string;
  detail: string;
  goodsDescription: string;
  /** Decimal text. */
  weightKg: string;
  /** Decimal text. */
  goodsValueYuan: string;
  courierId: string;
  serviceCode: string;
  nodeId: string;
  remark: string;
};
