import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { cellOf } from '#libs/geo';
import { Area_Kind } from '#proto/queqiao/network/v1/area';
import { textsOfPdf } from '#test/support/pictures';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { render } from './label.fixture.ts';
import { keyOf } from './rpc/vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const DOOR = { latitudeDeg: 30.28, longitudeDeg: 120.02 };
let orderCount = 0;

async function issueTo(detail: string, count: number): Promise<string[]> {
  const address = { province: '浙江省', city: '杭州市', district: '余杭区', street: '', detail };
  const consignee = { name: '李雷', phone: '13812345678', address };
  const parcels = Array.from({ length: count }, () => {
    orderCount += 1;
    return parcelOf(shop, `SC-${orderCount}`, { consignee });
  });
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
}

async function codesOn(numbers: string[]): Promise<string[]> {
  const items = numbers.map((waybillNumber) => ({ waybillNumber }));
  const { files } = await render(system, shop.apiKey, { items });
  const texts = await textsOfPdf(files.get(0) ?? Buffer.alloc(0));
  return texts.map((text) => /HZ[-A-Z0-9]*/.exec(text)?.[0] ?? '');
}

it('finds the territory of a house that deliveries have taught, and of no other', async () => {
  const { courierId } = shop;
  const territory = {
    ...{ areaId: `${courierId}-a3`, courierId, kind: Area_Kind.TERRITORY },
    ...{ hubCode: 'HZ', branchCode: 'A03', cells: [cellOf(DOOR)] },
  };
  await system.network().createArea({ area: territory });
  const delivered = await issueTo('鹊桥试验路8号2幢', 3);
  const [same = ''] = await issueTo('鹊桥试验路8号5幢301室', 1);
  const [beside = ''] = await issueTo('鹊桥试验路10号', 1);
  // The county alone tells nothing of a territory made of cells.
  expect(await codesOn([same, beside])).toEqual(['', '']);
  const points = delivered.map((waybillNumber) => ({
    ...{ waybillNumber, location: DOOR },
    deliveryTime: timestampFromDate(new Date(Date.now() + 1_000)),
  }));
  const courierKey = await keyOf(system, 'courier', courierId);
  const { outcomes } = await system.addresses(courierKey).reportDeliveryPoints({ points });
  expect(outcomes.map(({ outcome }) => outcome.case)).toEqual(Array(3).fill('accepted'));
  // A road leads through many territories: what is known of it is not taken for a house.
  expect(await codesOn([same, beside])).toEqual(['HZ-A03', '']);
});
