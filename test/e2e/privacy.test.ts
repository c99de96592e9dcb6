import { describe, expect, it } from 'vitest';
import { type BusEvent, connectBus } from '#libs/bus';
import { createLogger } from '#libs/log';
import { startTestNats } from '#test/support/nats';
import { parcelOf, seedMerchant, testSystem } from '#test/support/system';

// Names, phones and houses that stand nowhere else: wherever one turns up, it has leaked.
const CANARY = {
  name: '慕容雀翎',
  phone: '13977665544',
  street: '鹊桥测试街道',
  detail: '银河路七夕里7号77幢777室',
};

describe('a consignee', () => {
  it('shows in no event, no log line and no error, and masked where it is read', async () => {
    await using nats = await startTestNats();
    await using system = await testSystem({ natsUrl: nats.url });
    const shop = await seedMerchant(system);
    const heard: string[] = [];
    await using _listening = await listen(nats.url, heard);
    const client = system.waybill(shop.apiKey);
    const consignee = {
      name: CANARY.name,
      phone: CANARY.phone,
      address: {
        province: '浙江省',
        city: '杭州市',
        district: '西湖区',
        street: CANARY.street,
        detail: CANARY.detail,
      },
    };
    const said: unknown[] = [];
    const parcel = parcelOf(shop, 'CANARY', { consignee });
    const issued = await client.issueWaybill({ parcel });
    const waybillNumber = issued.issued?.waybillNumber ?? '';
    said.push(issued, await client.getWaybill({ waybillNumber }));
    // Changed to the canary, kept as an old version, and sent back by it.
    const change = { waybillNumber, version: 1, consignee: { ...consignee, name: '王五' } };
    said.push(await client.updateWaybill(change), await client.updateWaybill(change));
    said.push(await client.updateWaybill({ waybillNumber, version: 2, consignee }));
    said.push(await client.listWaybillVersions({ waybillNumber }));
    const way = { outwardWaybillNumber: waybillNumber, parcelNo: 2 };
    said.push(await client.issueReturnWaybill(way), await client.getShipment({ waybillNumber }));
    said.push(await client.updateWaybill({ ...change, version: 1 }).catch(facts));
    // Refusals of every kind, with the canary in the request.
    const bad = [
      { ...parcel, remark: '急' },
      { ...parcel, orderRef: 'x y' },
      { ...parcel, consignee: { ...consignee, phone: `${CANARY.phone}x` } },
      { ...parcel, consignee: { ...consignee, name: `${CANARY.name}&` } },
      { ...parcel, nodeId: 'nowhere' },
    ];
    said.push(await client.issueWaybills({ parcels: bad }));
    for (const one of bad) said.push(await client.issueWaybill({ parcel: one }).catch(facts));
    await system.database.query(
      'alter table waybill.waybill add constraint no check (false) not valid',
    );
    said.push(await client.issueWaybill({ parcel: { ...parcel, orderRef: 'NEW' } }).catch(facts));
    said.push(await client.cancelWaybill({ waybillNumber }).catch(facts));
    said.push(await client.updateWaybill({ ...change, version: 3 }).catch(facts));
    await expect.poll(() => heard.length).toBeGreaterThan(0);

    const everything = JSON.stringify([said, heard], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    expect(everything).toContain('慕容**');
    expect(system.logged()).toContain('IssueWaybill');
    for (const secret of Object.values(CANARY)) {
      expect(everything).not.toContain(secret);
      expect(system.logged()).not.toContain(secret);
    }
    // The check bites: what is planted is found.
    expect(JSON.stringify(parcel)).toContain(CANARY.detail);
  });
});

function facts(error: Error & { metadata?: object; textZh?: string }) {
  return [error.message, error.textZh, error.metadata, error.stack];
}

/** Everything that anybody can hear on the bus, as text. */
async function listen(url: string, heard: string[]): Promise<AsyncDisposable> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const bus = connectBus({ url, name: 'listener', log });
  const handle = async ({ subject, type, payload }: BusEvent) => {
    heard.push(`${subject} ${type} ${Buffer.from(payload).toString()}`);
  };
  const filters = ['queqiao.v1.waybill.>', 'queqiao.v1.network.>'];
  for (const filter of filters)
    bus.watch({ filter, handle, onReset: () => undefined, from: 'start' });
  await bus.whenConnected();
  return bus;
}
