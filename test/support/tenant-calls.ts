import type { DescService } from '@bufbuild/protobuf';
import type { Client } from '#libs/grpc';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { NumberRange_CheckDigitScheme } from '#proto/queqiao/network/v1/number_range';
import type { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { parcelOf, type SeededMerchant, seedMerchant, type TestSystem } from './system.ts';

/**
 * One call for every method that merchants or couriers may call, made of what belongs to `owner`.
 * The tests call each as the owner, where it must work, and as everybody else, who must learn and
 * change nothing. A method without an entry fails them.
 */
export const TENANT_CALLS: Readonly<Record<string, TenantCall>> = {
  ...methods<typeof NetworkService>('queqiao.network.v1.NetworkService', {
    getMerchant: (client, { owner }) => client.getMerchant({ merchantId: owner.merchantId }),
    listMerchants: (client) => client.listMerchants({ pageSize: 1_000 }),
    getCourier: (client, { owner }) => client.getCourier({ courierId: owner.courierId }),
    listCouriers: (client) => client.listCouriers({ pageSize: 1_000 }),
    getNode: (client, { owner }) => client.getNode({ nodeId: owner.nodeId }),
    listNodes: (client) => client.listNodes({ pageSize: 1_000 }),
    getNumberRange: (client, { ownRangeId }) => client.getNumberRange({ rangeId: ownRangeId }),
    listNumberRanges: (client) => client.listNumberRanges({ pageSize: 1_000 }),
  }),
  ...methods<typeof WaybillService>('queqiao.waybill.v1.WaybillService', {
    issueWaybills: (client, { owner }) =>
      client.issueWaybills({
        merchantId: owner.merchantId,
        parcels: [parcelOf(owner, 'SECRET-1'), parcelOf(owner, 'SECRET-2')],
      }),
    issueWaybill: (client, { owner }) =>
      client.issueWaybill({
        merchantId: owner.merchantId,
        parcel: parcelOf(owner, 'SECRET-1'),
      }),
    issueWaybillStream: async (client, { owner }) => {
      const items = [{ itemId: '1', parcel: parcelOf(owner, 'SECRET-1') }];
      const requests = (async function* () {
        yield { merchantId: owner.merchantId, items };
      })();
      const answers: unknown[] = [];
      for await (const answer of client.issueWaybillStream(requests)) answers.push(answer);
      return answers;
    },
    getWaybill: (client, { waybillNumber }) => client.getWaybill({ waybillNumber }),
    batchGetWaybills: (client, { waybillNumber }) =>
      client.batchGetWaybills({ waybillNumbers: [waybillNumber] }),
    lookUpWaybills: (client, { owner }) =>
      client.lookUpWaybills({
        merchantId: owner.merchantId,
        keys: [{ orderRef: 'secret-1', parcelNo: 1 }],
      }),
    listWaybills: (client, { owner }) => client.listWaybills({ merchantId: owner.merchantId }),
    cancelWaybill: (client, { waybillNumber }) => client.cancelWaybill({ waybillNumber }),
  }),
};

/** What is every merchant's business: to whom it can send. */
export const COMMON_TO_MERCHANTS: ReadonlySet<string> = new Set([
  'queqiao.network.v1.NetworkService/GetCourier',
  'queqiao.network.v1.NetworkService/ListCouriers',
]);

/** A tenant with something of everything, and what nobody else may ever be answered. */
export async function seedTenant(system: TestSystem): Promise<TenantWorld> {
  const owner = await seedMerchant(system);
  const tag = owner.merchantId.slice(-8);
  const ownRangeId = `own-${tag}`;
  await system.network().createNumberRange({
    numberRange: {
      rangeId: ownRangeId,
      courierId: owner.courierId,
      merchantId: owner.merchantId,
      prefix: 'OWN',
      serialWidth: 12,
      firstSerial: BigInt(`0x${tag}`) * 100n,
      lastSerial: BigInt(`0x${tag}`) * 100n + 99n,
      checkDigitScheme: NumberRange_CheckDigitScheme.NONE,
    },
  });
  const { issued } = await system
    .waybill(owner.apiKey)
    .issueWaybill({ parcel: parcelOf(owner, 'SECRET-1') });
  const waybillNumber = issued?.waybillNumber ?? '';
  const { merchantId, nodeId, courierId, rangeId } = owner;
  const ofMerchant = [merchantId, nodeId, ownRangeId, waybillNumber];
  return { owner, ownRangeId, waybillNumber, ofMerchant, ofCourier: [courierId, rangeId] };
}

/** Names the calls as METHOD_SCOPES does; the client's type keeps each to its service. */
function methods<Desc extends DescService>(
  typeName: Desc['typeName'],
  calls: Record<string, (client: Client<Desc>, world: TenantWorld) => Promise<unknown>>,
): Record<string, TenantCall> {
  const entries = Object.entries(calls).map(([name, call]): [string, TenantCall] => [
    `${typeName}/${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    (clients, world) => {
      const client = typeName.endsWith('NetworkService') ? clients.network : clients.waybill;
      return call(client as unknown as Client<Desc>, world);
    },
  ]);
  return Object.fromEntries(entries);
}

export type TenantWorld = {
  owner: SeededMerchant;
  ownRangeId: string;
  waybillNumber: string;
  /** What no other merchant and no other courier may be answered. */
  ofMerchant: string[];
  /** What no other courier may be answered. */
  ofCourier: string[];
};

export type Clients = {
  network: Client<typeof NetworkService>;
  waybill: Client<typeof WaybillService>;
};

type TenantCall = (clients: Clients, world: TenantWorld) => Promise<unknown>;
