import { create } from '@bufbuild/protobuf';
import {
  AddedServiceAttribute_Type,
  type Courier,
  CourierSchema,
} from '#proto/queqiao/network/v1/courier';
import {
  CourierAccount_Billing as Billing,
  type CourierAccount,
  CourierAccountSchema,
} from '#proto/queqiao/network/v1/courier_account';
import { type Merchant, MerchantSchema } from '#proto/queqiao/network/v1/merchant';
import { type Node, Node_Kind, NodeSchema } from '#proto/queqiao/network/v1/node';
import {
  type NumberRange,
  NumberRangeSchema,
  NumberRange_CheckDigitScheme as Scheme,
} from '#proto/queqiao/network/v1/number_range';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import { demoCity } from './gazetteer.ts';
import { seeded } from './random.ts';

/** The merchant whose orders are the sample order file. */
export const DEMO_MERCHANT_ID = 'qinghe';

/**
 * A small network to try things on: every name is invented and no number looks like that of a real
 * courier. The same every time.
 */
export function demoNetwork(): DemoNetwork {
  return {
    merchants: MERCHANTS.map((merchant) => create(MerchantSchema, merchant)),
    couriers: COURIERS.map((courier) => create(CourierSchema, courier)),
    nodes: NODES.map(toNode),
    numberRanges: NUMBER_RANGES.map((range) => create(NumberRangeSchema, range)),
    accounts: ACCOUNTS.map((account) => create(CourierAccountSchema, account)),
  };
}

function toNode(row: NodeRow, index: number): Node {
  const { city: name, district, street, detail, ...rest } = row;
  const { province, city, centre } = demoCity(name);
  // The gazetteer knows the city; two nodes of one city still stand at different places.
  const random = seeded(index + 1);
  const offsetDeg = () => random.integer(-400, 400) / 10_000;
  return create(NodeSchema, {
    ...rest,
    // Returns go to the node, and a courier calls before it brings them. No real number.
    phone: `0000-${String(index + 1).padStart(8, '0')}`,
    address: { province, city, district, street, detail },
    location: {
      latitudeDeg: Number((centre.latitudeDeg + offsetDeg()).toFixed(5)),
      longitudeDeg: Number((centre.longitudeDeg + offsetDeg()).toFixed(5)),
      datum: Location_Datum.WGS84,
    },
  });
}

const MERCHANTS = [
  { merchantId: DEMO_MERCHANT_ID, displayName: '青禾茶业(演示)' },
  { merchantId: 'mianhua', displayName: '棉花朵童装(演示)' },
  { merchantId: 'shanyue', displayName: '山月数码(演示)' },
];

const STANDARD = { serviceCode: 'standard', displayName: '标准快递' };

/** The added services whose codes mean the same with every courier. */
const COD = {
  code: 'cod',
  displayName: '代收货款',
  attributes: [amount('amount_fen', 1n, 2_000_000n)],
};
const INSURED = {
  code: 'insured',
  displayName: '保价',
  attributes: [amount('value_fen', 1n, 100_000_000n)],
};
const COLD_CHAIN = {
  code: 'cold-chain',
  displayName: '冷链',
  attributes: [
    amount('temperature_min_decic', -300n, 250n),
    amount('temperature_max_decic', -300n, 250n),
  ],
  serviceCodes: ['next-day'],
};
const FREIGHT = {
  code: 'freight',
  displayName: '零担货物',
  attributes: [
    amount('piece_count', 1n, 999n),
    {
      ...{ name: 'package', type: AddedServiceAttribute_Type.ENUM, required: true },
      values: ['纸箱', '木箱', '托盘', '编织袋', '裸装'],
    },
  ],
  serviceCodes: ['freight'],
  required: true,
};

function amount(name: string, min: bigint, max: bigint) {
  return { name, type: AddedServiceAttribute_Type.INTEGER, required: true, min, max };
}

const COURIERS = [
  {
    courierId: 'lingque',
    displayName: '灵鹊快运(演示)',
    services: [STANDARD, { serviceCode: 'next-day', displayName: '次日达' }],
    addedServices: [COD, INSURED, COLD_CHAIN],
  },
  {
    courierId: 'qianxing',
    displayName: '牵星速递(演示)',
    services: [STANDARD, { serviceCode: 'economy', displayName: '经济快递' }],
    addedServices: [{ ...COD, serviceCodes: ['standard'] }, INSURED],
  },
  {
    courierId: 'yundu',
    displayName: '云渡物流(演示)',
    services: [STANDARD, { serviceCode: 'freight', displayName: '零担' }],
    addedServices: [FREIGHT, INSURED],
  },
  {
    courierId: 'yinhan',
    displayName: '银汉国际(演示)',
    services: [{ serviceCode: 'registered', displayName: '国际挂号' }],
  },
];

/** Prefixes that no table of real couriers' patterns has; each check digit scheme once. */
const NUMBER_RANGES = [
  {
    rangeId: 'lingque-common',
    courierId: 'lingque',
    prefix: '26',
    serialWidth: 11,
    firstSerial: 1_000_000n,
    lastSerial: 99_999_999n,
    checkDigitScheme: Scheme.ISO7064_MOD11_10,
    lowWaterCount: 1_000_000n,
  },
  {
    // Prepaid by one merchant: used before the common range.
    rangeId: 'lingque-shanyue',
    courierId: 'lingque',
    merchantId: 'shanyue',
    prefix: '26',
    serialWidth: 11,
    firstSerial: 500_000_000n,
    lastSerial: 500_009_999n,
    checkDigitScheme: Scheme.ISO7064_MOD11_10,
    lowWaterCount: 1_000n,
  },
  {
    rangeId: 'qianxing-common',
    courierId: 'qianxing',
    prefix: '068',
    serialWidth: 11,
    firstSerial: 0n,
    lastSerial: 9_999_999_999n,
    checkDigitScheme: Scheme.GS1_MOD10,
    lowWaterCount: 1_000_000n,
  },
  {
    rangeId: 'yundu-common',
    courierId: 'yundu',
    prefix: 'YQ',
    serialWidth: 10,
    firstSerial: 1n,
    lastSerial: 9_999_999_999n,
    checkDigitScheme: Scheme.NONE,
    lowWaterCount: 100_000n,
  },
  {
    rangeId: 'yinhan-common',
    courierId: 'yinhan',
    prefix: 'QQ',
    serialWidth: 8,
    firstSerial: 10_000n,
    lastSerial: 99_999_999n,
    checkDigitScheme: Scheme.UPU_S10,
    suffix: 'CN',
    lowWaterCount: 10_000n,
  },
];

/** As couriers do: one bills by the month, the other one's branches sell numbers beforehand. */
const ACCOUNTS = [
  {
    accountId: 'qinghe-lingque',
    merchantId: DEMO_MERCHANT_ID,
    courierId: 'lingque',
    branchCode: '571',
    branchName: '灵鹊杭州分公司(演示)',
    billing: Billing.MONTHLY,
    customerCode: '57100001',
  },
  {
    accountId: 'qinghe-qianxing',
    merchantId: DEMO_MERCHANT_ID,
    courierId: 'qianxing',
    branchCode: '571-06',
    branchName: '牵星杭州余杭网点(演示)',
    billing: Billing.PREPAID,
    lowBalanceCount: 1_000n,
  },
];

const WAREHOUSE = Node_Kind.WAREHOUSE;
const STORE = Node_Kind.STORE;

const NODES: NodeRow[] = [
  {
    ...{ nodeId: 'hangzhou-cang', kind: WAREHOUSE, displayName: '杭州余杭仓' },
    ...{ city: '杭州市', district: '余杭区', street: '良渚街道', detail: '示例路 18 号 2 号库' },
  },
  {
    ...{ nodeId: 'shanghai-cang', kind: WAREHOUSE, displayName: '上海青浦仓' },
    ...{ city: '上海市', district: '青浦区', street: '华新镇', detail: '示例路 566 号 A 区' },
  },
  {
    ...{ nodeId: 'beijing-cang', kind: WAREHOUSE, displayName: '北京大兴仓' },
    ...{ city: '北京市', district: '大兴区', street: '青云店镇', detail: '示例大街 9 号' },
  },
  {
    ...{ nodeId: 'guangzhou-cang', kind: WAREHOUSE, displayName: '广州花都仓' },
    ...{ city: '广州市', district: '花都区', street: '花东镇', detail: '示例大道 31 号 5 号库' },
  },
  {
    ...{ nodeId: 'wuhan-cang', kind: WAREHOUSE, displayName: '武汉东西湖仓' },
    ...{ city: '武汉市', district: '东西湖区', street: '走马岭街道', detail: '示例路 77 号' },
  },
  {
    ...{ nodeId: 'chengdu-cang', kind: WAREHOUSE, displayName: '成都双流仓' },
    ...{ city: '成都市', district: '双流区', street: '黄甲街道', detail: '示例路 200 号 B 库' },
  },
  {
    ...{ nodeId: 'xian-cang', kind: WAREHOUSE, displayName: '西安未央仓' },
    ...{ city: '西安市', district: '未央区', street: '草滩街道', detail: '示例路 5 号' },
  },
  {
    ...{ nodeId: 'shenyang-cang', kind: WAREHOUSE, displayName: '沈阳于洪仓' },
    ...{ city: '沈阳市', district: '于洪区', street: '沙岭街道', detail: '示例路 42 号' },
  },
  {
    ...{ nodeId: 'hangzhou-xihu', kind: STORE, displayName: '青禾杭州西湖店' },
    ...{ merchantId: DEMO_MERCHANT_ID, city: '杭州市', district: '西湖区' },
    ...{ street: '翠苑街道', detail: '示例巷 3 号 1 楼' },
  },
  {
    ...{ nodeId: 'shanghai-jingan', kind: STORE, displayName: '青禾上海静安店' },
    ...{ merchantId: DEMO_MERCHANT_ID, city: '上海市', district: '静安区' },
    ...{ street: '南京西路街道', detail: '示例里 12 号' },
  },
  {
    ...{ nodeId: 'nanjing-gulou', kind: STORE, displayName: '青禾南京鼓楼店' },
    ...{ merchantId: DEMO_MERCHANT_ID, city: '南京市', district: '鼓楼区' },
    ...{ street: '湖南路街道', detail: '示例街 88 号' },
  },
  {
    ...{ nodeId: 'changsha-yuelu', kind: STORE, displayName: '青禾长沙岳麓店' },
    ...{ merchantId: DEMO_MERCHANT_ID, city: '长沙市', district: '岳麓区' },
    ...{ street: '望月湖街道', detail: '示例路 6 号' },
  },
  {
    ...{ nodeId: 'shenzhen-nanshan', kind: STORE, displayName: '棉花朵深圳南山店' },
    ...{ merchantId: 'mianhua', city: '深圳市', district: '南山区' },
    ...{ street: '粤海街道', detail: '示例路 101 号 3 层' },
  },
  {
    ...{ nodeId: 'chengdu-jinjiang', kind: STORE, displayName: '山月成都锦江店' },
    ...{ merchantId: 'shanyue', city: '成都市', district: '锦江区' },
    ...{ street: '春熙路街道', detail: '示例街 20 号' },
  },
];

export type DemoNetwork = {
  merchants: Merchant[];
  couriers: Courier[];
  nodes: Node[];
  numberRanges: NumberRange[];
  accounts: CourierAccount[];
};

type NodeRow = {
  nodeId: string;
  kind: Node_Kind;
  displayName: string;
  merchantId?: string;
  city: string;
  district: string;
  street: string;
  detail: string;
};
