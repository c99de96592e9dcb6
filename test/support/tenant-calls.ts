import { generateKeyPairSync } from 'node:crypto';
import type { DescService } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Client } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { Area_Kind, Area_State } from '#proto/queqiao/network/v1/area';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { NumberRange_CheckDigitScheme } from '#proto/queqiao/network/v1/number_range';
import { SortTable_State } from '#proto/queqiao/network/v1/sort_table';
import type { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import type { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import type { LabelService } from '#proto/queqiao/waybill/v1/label_service';
import { Purpose, type VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import type { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { seedAccount } from '../../services/waybill/account.fixture.ts';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
} from './system.ts';

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
    getCourierAccount: (client, { accountId }) => client.getCourierAccount({ accountId }),
    listCourierAccounts: (client) => client.listCourierAccounts({ pageSize: 1_000 }),
    createArea: (client, { owner: { courierId }, areaId }) =>
      client.createArea({ area: { areaId, courierId, ...LAND } }),
    getArea: (client, { areaId }) => client.getArea({ areaId }),
    listAreas: (client) => client.listAreas({ pageSize: 1_000 }),
    updateArea: async (client, { owner: { courierId }, areaId }) => {
      const { etag = '' } = (await client.getArea({ areaId })).area ?? {};
      const state = Area_State.ACTIVE;
      return client.updateArea({ area: { areaId, courierId, ...LAND, state, etag } });
    },
    createSortTable: (client, { owner: { courierId }, sortTableId }) =>
      client.createSortTable({ sortTable: { sortTableId, courierId }, rows: [CODE] }),
    getSortTable: (client, { sortTableId }) => client.getSortTable({ sortTableId }),
    listSortTables: (client) => client.listSortTables({ pageSize: 1_000 }),
    updateSortTable: async (client, { owner: { courierId }, sortTableId }) => {
      const { etag = '' } = (await client.getSortTable({ sortTableId })).sortTable ?? {};
      const state = SortTable_State.ACTIVE;
      return client.updateSortTable({ sortTable: { sortTableId, courierId, state, etag } });
    },
    lookUpSortCodes: (client, { owner: { courierId } }) =>
      client.lookUpSortCodes({ courierId, places: [{ divisionCode: CODE.place }] }),
    divideTerritory: (client, { areaId }) => client.divideTerritory({ areaId, routeCount: 1 }),
    checkReach: async (client, { owner: { courierId } }) => {
      const { results } = await client.checkReach({ courierId, places: [{ divisionCode: '33' }] });
      return { courierId, results };
    },
    reportCoverage: async (client, { owner: { courierId } }) => {
      const { overlaps } = await client.reportCoverage({ courierId });
      return { courierId, overlaps };
    },
    settleTerritories: async (client, { owner: { courierId } }) => {
      const { changes } = await client.settleTerritories({ courierId });
      return { courierId, changes };
    },
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
    updateWaybill: (client, { liveNumber }) =>
      client.updateWaybill({ waybillNumber: liveNumber, version: 1, weightG: 7 }),
    listWaybillVersions: (client, { liveNumber }) =>
      client.listWaybillVersions({ waybillNumber: liveNumber }),
    getShipment: (client, { liveNumber }) => client.getShipment({ waybillNumber: liveNumber }),
    issueReturnWaybill: async (client, { liveNumber }) => {
      await client.issueReturnWaybill({ outwardWaybillNumber: liveNumber, parcelNo: 501 });
      return client.getWaybill({ waybillNumber: liveNumber });
    },
    releaseWaybill: (client, { held: [waybillNumber] }) => client.releaseWaybill({ waybillNumber }),
    batchReleaseWaybills: (client, { held: [waybillNumber] }) =>
      client.batchReleaseWaybills({ waybillNumbers: [waybillNumber] }),
    recallWaybill: (client, { held: [, waybillNumber] }) => client.recallWaybill({ waybillNumber }),
    batchRecallWaybills: (client, { held: [, waybillNumber] }) =>
      client.batchRecallWaybills({ waybillNumbers: [waybillNumber] }),
  }),
  ...methods<typeof VaultService>('queqiao.waybill.v1.VaultService', {
    getConsignee: (client, { liveNumber }) =>
      client.getConsignee({ waybillNumber: liveNumber, purpose }),
    batchGetConsignees: (client, { liveNumber }) =>
      client.batchGetConsignees({ waybillNumbers: [liveNumber], purpose }),
    findWaybillsByPhone: (client, { owner, phone }) =>
      client.findWaybillsByPhone({ merchantId: owner.merchantId, phone, purpose }),
    eraseConsignee: (client, { erasableNumber: waybillNumber }) =>
      client.eraseConsignee({ waybillNumber, confirm: waybillNumber, reason: 'test' }),
    listConsigneeAccesses: (client, { owner }) =>
      client.listConsigneeAccesses({ merchantId: owner.merchantId }),
  }),
  ...methods<typeof AccountService>('queqiao.waybill.v1.AccountService', {
    topUpAccount: (client, { owner: { merchantId }, accountId }) =>
      client.topUpAccount({ merchantId, accountId, count: 5n, reason: 'test', requestId }),
    getAccountUsage: (client, { owner: { merchantId, courierId }, accountId }) =>
      client.getAccountUsage({ merchantId, courierId, accountId }),
    listAccountUsages: (client) => client.listAccountUsages({ pageSize: 1_000 }),
    listAccountMovements: (client, { owner: { merchantId }, accountId }) =>
      client.listAccountMovements({ merchantId, accountId }),
    reportPrints: (client, { owner: { merchantId }, liveNumber: waybillNumber }) =>
      client.reportPrints({ merchantId, requestId, notices: [{ waybillNumber }] }),
  }),
  ...methods<typeof LabelService>('queqiao.waybill.v1.LabelService', {
    renderLabels: async (client, { liveNumber: waybillNumber }) => {
      const request = { requestId: LABEL_REQUEST_ID, items: [{ waybillNumber }] };
      const outcomes: unknown[] = [];
      for await (const { part } of client.renderLabels(request)) {
        if (part.case === 'outcome') outcomes.push(part.value);
      }
      return outcomes;
    },
    listLabelPrints: (client, { owner: { merchantId } }) => client.listLabelPrints({ merchantId }),
    createLabelTemplate: (client, { owner: { merchantId }, templateId }) =>
      client.createLabelTemplate({
        template: { templateId, merchantId, fields: [TEMPLATE_FIELD] },
      }),
    getLabelTemplate: (client, { owner: { merchantId }, templateId }) =>
      client.getLabelTemplate({ merchantId, templateId }),
    listLabelTemplates: (client, { owner: { merchantId } }) =>
      client.listLabelTemplates({ merchantId }),
    getLabelKeys: (client) => client.getLabelKeys({}),
  }),
  ...methods<typeof AddressService>('queqiao.waybill.v1.AddressService', {
    parseAddresses: (client) => client.parseAddresses({ texts: ['杭州市西湖区'] }),
    reportDeliveryPoints: (client, { liveNumber: waybillNumber }) => {
      const location = { latitudeDeg: 30.3, longitudeDeg: 120 };
      const deliveryTime = timestampFromDate(new Date());
      return client.reportDeliveryPoints({ points: [{ waybillNumber, location, deliveryTime }] });
    },
  }),
};

const LAND = {
  kind: Area_Kind.TERRITORY,
  hubCode: '571',
  branchCode: 'A03',
  cells: ['89309a51173ffff'],
  divisionCodes: ['330110'],
};

const CODE = { place: '330110', hubCode: '571' };

const LABEL_REQUEST_ID = '4f0e7a52-7c0f-4a52-9a1e-6d1b2c3d4e5f';
const TEMPLATE_FIELD = {
  ...{ key: 'note', xDmm: 10, yDmm: 10, widthDmm: 300, heightDmm: 60, textSizeDmm: 30 },
};

const purpose = Purpose.CUSTOMER_SERVICE;
const requestId = '0b0a6c9e-4d5e-4f10-8a11-2f3c4b5a6978';

/** What is every merchant's business: to whom it can send. */
export const COMMON_TO_MERCHANTS: ReadonlySet<string> = new Set([
  'queqiao.network.v1.NetworkService/GetCourier',
  'queqiao.network.v1.NetworkService/ListCouriers',
  // How it sorts, it prints on every label.
  'queqiao.network.v1.NetworkService/LookUpSortCodes',
  // Where it delivers, whoever sends with it has to know.
  'queqiao.network.v1.NetworkService/CheckReach',
]);

/** What belongs to no tenant: public keys, and the country's divisions. */
export const COMMON_TO_ALL: ReadonlySet<string> = new Set([
  'queqiao.waybill.v1.LabelService/GetLabelKeys',
  'queqiao.waybill.v1.AddressService/ParseAddresses',
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
  const { merchantId, nodeId, courierId, rangeId } = owner;
  const areaId = `area-${tag}`;
  await system.network().createArea({ area: { areaId, courierId, ...LAND } });
  const served = { areaId: `served-${tag}`, kind: Area_Kind.SERVICE, divisionCodes: ['330127'] };
  await system.network().createArea({ area: { ...served, courierId } });
  const sortTableId = `sort-${tag}`;
  await system.network().createSortTable({
    sortTable: { sortTableId, courierId },
    rows: [CODE],
  });
  await system.network().createTokenIssuer({
    tokenIssuer: {
      tokenIssuerId: `sso-${tag}`,
      ...{ issuer: `https://${tag}.example`, audience: 'queqiao', jwks: publicKeys() },
      subject: { kind: Subject_Kind.MERCHANT, id: merchantId },
      scopes: ['waybill.read'],
    },
  });
  const accountId = await seedAccount(system, owner, { count: 100n });
  const name = `收件${tag}`;
  const phone = `139${String(parseInt(tag, 16) % 100_000_000).padStart(8, '0')}`;
  const ordinary = parcelOf(owner, '');
  const consignee = { ...(ordinary.consignee as object), name, phone };
  const issue = async (orderRef: string, change: ParcelInit = {}) => {
    const parcel = parcelOf(owner, orderRef, { consignee, ...change });
    const { issued } = await system.waybill(owner.apiKey).issueWaybill({ parcel });
    return issued?.waybillNumber ?? '';
  };
  const waybillNumber = await issue('SECRET-1', { consignee: ordinary.consignee });
  const liveNumber = await issue('SECRET-LIVE');
  const erasableNumber = await issue('SECRET-ERASED');
  const held: [string, string] = [
    await issue('SECRET-HELD-1', { holdNodeId: nodeId }),
    await issue('SECRET-HELD-2', { holdNodeId: nodeId }),
  ];
  const templateId = `template-${tag}`;
  const numbers = [waybillNumber, liveNumber, erasableNumber, ...held];
  return {
    ...{ owner, ownRangeId, waybillNumber, liveNumber, erasableNumber, held, accountId, phone },
    templateId,
    areaId,
    sortTableId,
    ofMerchant: [merchantId, nodeId, ownRangeId, accountId, name, templateId, ...numbers],
    ofCourier: [courierId, rangeId, areaId, served.areaId, sortTableId],
  };
}

function publicKeys(): string {
  const { publicKey } = generateKeyPairSync('ed25519');
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] });
}

/** Names the calls as METHOD_SCOPES does; the client's type keeps each to its service. */
function methods<Desc extends DescService>(
  typeName: Desc['typeName'],
  calls: Record<string, (client: Client<Desc>, world: TenantWorld) => Promise<unknown>>,
): Record<string, TenantCall> {
  const entries = Object.entries(calls).map(([name, call]): [string, TenantCall] => [
    `${typeName}/${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    (clients, world) => call(clientFor(clients, typeName) as unknown as Client<Desc>, world),
  ]);
  return Object.fromEntries(entries);
}

/** The client of a service, by its name in the contract. */
export function clientFor(clients: Clients, typeName: string): Clients[keyof Clients] {
  if (typeName.endsWith('NetworkService')) return clients.network;
  if (typeName.endsWith('VaultService')) return clients.vault;
  if (typeName.endsWith('AccountService')) return clients.account;
  if (typeName.endsWith('LabelService')) return clients.label;
  if (typeName.endsWith('AddressService')) return clients.addresses;
  return clients.waybill;
}

export type TenantWorld = {
  owner: SeededMerchant;
  ownRangeId: string;
  accountId: string;
  templateId: string;
  areaId: string;
  sortTableId: string;
  /** Whom all waybills but the first are for. */
  phone: string;
  waybillNumber: string;
  /** Not cancelled by any call. */
  liveNumber: string;
  erasableNumber: string;
  /** Pre-positioned: one to release, one to recall. */
  held: [string, string];
  /** What no other merchant and no other courier may be answered. */
  ofMerchant: string[];
  /** What no other courier may be answered. */
  ofCourier: string[];
};

export type Clients = {
  network: Client<typeof NetworkService>;
  waybill: Client<typeof WaybillService>;
  vault: Client<typeof VaultService>;
  account: Client<typeof AccountService>;
  label: Client<typeof LabelService>;
  addresses: Client<typeof AddressService>;
};

type TenantCall = (clients: Clients, world: TenantWorld) => Promise<unknown>;
