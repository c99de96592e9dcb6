import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { distanceM } from '#libs/geo';
import type { Node } from '#proto/queqiao/network/v1/node';
import { testSystem } from '#test/support/system';
import { checkParcel, readOrders } from '../orders.ts';
import { demoCities } from './gazetteer.ts';
import { loadDemo } from './load.ts';
import { DEMO_MERCHANT_ID, demoNetwork } from './network.ts';
import { demoOrders, writeDemoOrders } from './orders.ts';

const SLUG = /^[a-z][a-z0-9-]{1,31}$/;
const orders = demoOrders();
const network = demoNetwork();

describe('demo network', () => {
  it('has the parties it promises, each with ids and names that the contract allows', () => {
    const { merchants, couriers, nodes, numberRanges, accounts } = network;
    expect([merchants.length, couriers.length]).toEqual([3, 4]);
    expect(nodes.length).toBeGreaterThanOrEqual(12);
    expect(nodes.length).toBeLessThanOrEqual(16);
    const ids = [
      ...merchants.map(({ merchantId }) => merchantId),
      ...couriers.map(({ courierId }) => courierId),
      ...nodes.map(({ nodeId }) => nodeId),
      ...numberRanges.map(({ rangeId }) => rangeId),
      ...accounts.map(({ accountId }) => accountId),
    ];
    expect(ids.filter((id) => !SLUG.test(id))).toEqual([]);
    expect(new Set(ids).size).toBe(ids.length);
    expect(new Set(numberRanges.map((range) => range.checkDigitScheme)).size).toBe(4);
    expect(new Set(accounts.map(({ billing }) => billing)).size).toBe(2);
  });

  it('places nodes in at least eight cities, at addresses that exist in the divisions', () => {
    const cities = new Set<string>();
    for (const { address, location } of network.nodes) {
      const city = demoCities().find((each) => each.city === address?.city);
      const district = city?.districts.find(({ name }) => name === address?.district);
      expect(district?.streets, address?.district).toContain(address?.street);
      expect(city?.province).toBe(address?.province);
      const point = {
        latitudeDeg: location?.latitudeDeg ?? 0,
        longitudeDeg: location?.longitudeDeg ?? 0,
      };
      expect(distanceM(point, city?.centre ?? point)).toBeLessThan(7_000);
      cities.add(address?.city ?? '');
    }
    expect(cities.size).toBeGreaterThanOrEqual(8);
  });

  it('is loaded once and changes nothing the second time', async () => {
    await using system = await testSystem();
    const client = system.network();
    const all = async () => ({
      merchants: (await client.listMerchants({})).merchants,
      couriers: (await client.listCouriers({})).couriers,
      nodes: (await client.listNodes({})).nodes,
      ranges: (await client.listNumberRanges({})).numberRanges,
      accounts: (await client.listCourierAccounts({})).courierAccounts,
      usages: (await system.account().listAccountUsages({})).usages,
      sortTables: (await client.listSortTables({})).sortTables,
    });
    await loadDemo({ network: client, account: system.account() });
    const first = await all();
    expect(first.nodes.map(({ nodeId }) => nodeId).sort()).toEqual(
      network.nodes.map(({ nodeId }) => nodeId).sort(),
    );
    await client.updateMerchant({
      merchant: {
        ...(first.merchants[0] as (typeof first.merchants)[number]),
        displayName: '改名',
      },
    });
    const changed = await all();
    await loadDemo({ network: client, account: system.account() });
    expect(await all()).toEqual(changed);
  });
});

describe('demo sort codes', () => {
  it('know one code for every place that an order goes to', async () => {
    await using system = await testSystem();
    const client = system.network();
    await loadDemo({ network: client, account: system.account() });
    const places = orders.map(({ province, city, district }) => ({ province, city, district }));
    for (const courierId of new Set(orders.map((order) => order.courierId))) {
      const { results } = await client.lookUpSortCodes({ courierId, places });
      const missing = places.filter((_, i) => results[i]?.sortCode === undefined);
      expect(missing).toEqual([]);
    }
  });
});

describe('demo orders', () => {
  it('are the same every time, and a longer list begins with a shorter one', () => {
    expect(demoOrders()).toEqual(orders);
    expect(demoOrders(500).slice(0, 360)).toEqual(orders);
    expect(orders).toHaveLength(360);
  });

  it('go to many cities, by two couriers, some in several parcels', () => {
    expect(new Set(orders.map(({ city }) => city)).size).toBeGreaterThanOrEqual(10);
    expect(new Set(orders.map(({ courierId }) => courierId)).size).toBe(2);
    const several = new Set(
      demoOrders(5_000).flatMap(({ orderRef, parcelNo }) => (parcelNo === 2 ? [orderRef] : [])),
    );
    const all = new Set(demoOrders(5_000).map(({ orderRef }) => orderRef));
    expect(several.size / all.size).toBeGreaterThan(0.03);
    expect(several.size / all.size).toBeLessThan(0.05);
    const keys = orders.map(({ orderRef, parcelNo }) => `${orderRef} ${parcelNo}`);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('name couriers, services, nodes and divisions that exist', () => {
    const streets = new Set(
      demoCities().flatMap(({ province, city, districts }) =>
        districts.flatMap(({ name, streets }) =>
          streets.map((street) => [province, city, name, street].join()),
        ),
      ),
    );
    for (const order of orders) {
      const courier = network.couriers.find(({ courierId }) => courierId === order.courierId);
      expect(courier?.services.map(({ serviceCode }) => serviceCode)).toContain(order.serviceCode);
      const { merchantId } = network.nodes.find((node) => node.nodeId === order.nodeId) as Node;
      expect(['', DEMO_MERCHANT_ID]).toContain(merchantId);
      const { province, city, district, street } = order;
      expect(streets).toContain([province, city, district, street].join());
      expect(order.phone).toMatch(/^1[35789]\d0000\d{4}$/);
    }
  });

  it('ship from near the consignee', () => {
    const far = orders.filter(({ city }) => city === '杭州市').map(({ nodeId }) => nodeId);
    expect(new Set(far).size).toBe(1);
    expect(far[0]).toMatch(/^hangzhou/);
    expect(new Set(orders.map(({ nodeId }) => nodeId)).size).toBeGreaterThan(6);
  });

  it('make a file that is read back without a fault', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'queqiao-demo-'));
    try {
      const file = join(folder, 'orders.csv');
      await writeDemoOrders(file);
      expect(await readFile(file, 'utf8')).toMatch(/^\ufeff订单号,包裹序号,收件人,手机,省,/);
      const warnings: unknown[] = [];
      const read = [];
      for await (const row of readOrders(createReadStream(file), {
        onWarning: (warning) => warnings.push(warning),
      })) {
        if (!('parcel' in row)) throw row.errors[0];
        expect(checkParcel(row.parcel)).toEqual([]);
        read.push(row.parcel);
      }
      expect(warnings).toEqual([]);
      expect(read.map(({ orderRef, parcelNo }) => `${orderRef} ${parcelNo}`)).toEqual(
        orders.map(({ orderRef, parcelNo }) => `${orderRef} ${parcelNo}`),
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
