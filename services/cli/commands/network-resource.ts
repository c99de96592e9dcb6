import { create, type DescMessage, fromJson, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { Client } from '#libs/grpc';
import { CourierSchema } from '#proto/queqiao/network/v1/courier';
import { MerchantSchema } from '#proto/queqiao/network/v1/merchant';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { NodeSchema } from '#proto/queqiao/network/v1/node';
import { NumberRangeSchema } from '#proto/queqiao/network/v1/number_range';

/** What `queqiao merchant|courier|node|range` work on, as proto JSON with snake_case names. */
export const RESOURCES: readonly Resource[] = [
  {
    name: 'merchant',
    title: 'Merchants. / 商家。',
    idKey: 'merchant_id',
    columns: ['merchant_id', 'display_name', 'state', 'home_bucket', 'spread'],
    flags: [
      { flag: '--name <text>', key: 'display_name', help: 'name for people' },
      { flag: '--spread <n>', key: 'spread', help: 'buckets for a giant; fixed', isNumber: true },
      state('STATE_'),
    ],
    get: async (client, merchantId) =>
      toPlain(MerchantSchema, (await client.getMerchant({ merchantId })).merchant),
    list: async (client, page) => {
      const { merchants, nextPageToken } = await client.listMerchants(page);
      return { items: merchants.map((each) => toPlain(MerchantSchema, each)), nextPageToken };
    },
    create: async (client, plain) => {
      const merchant = fromPlain(MerchantSchema, plain);
      return toPlain(MerchantSchema, (await client.createMerchant({ merchant })).merchant);
    },
    update: async (client, plain) => {
      const merchant = fromPlain(MerchantSchema, plain);
      return toPlain(MerchantSchema, (await client.updateMerchant({ merchant })).merchant);
    },
  },
  {
    name: 'courier',
    title: 'Couriers. / 快递公司。',
    idKey: 'courier_id',
    columns: ['courier_id', 'display_name', 'state', 'services'],
    flags: [
      { flag: '--name <text>', key: 'display_name', help: 'name for people' },
      {
        flag: '--service <code=name>',
        key: 'services',
        help: 'a product; may be repeated, the first is the default',
        toItem: toService,
      },
      state('STATE_'),
    ],
    get: async (client, courierId) =>
      toPlain(CourierSchema, (await client.getCourier({ courierId })).courier),
    list: async (client, page) => {
      const { couriers, nextPageToken } = await client.listCouriers(page);
      return { items: couriers.map((each) => toPlain(CourierSchema, each)), nextPageToken };
    },
    create: async (client, plain) => {
      const courier = fromPlain(CourierSchema, plain);
      return toPlain(CourierSchema, (await client.createCourier({ courier })).courier);
    },
    update: async (client, plain) => {
      const courier = fromPlain(CourierSchema, plain);
      return toPlain(CourierSchema, (await client.updateCourier({ courier })).courier);
    },
  },
  {
    name: 'node',
    title: 'Warehouses, stores and stations. / 仓库、门店和驿站。',
    idKey: 'node_id',
    columns: ['node_id', 'kind', 'display_name', 'merchant_id', 'state', 'address.city', 'cell'],
    flags: [
      choice('--kind', 'kind', {
        warehouse: 'KIND_WAREHOUSE',
        store: 'KIND_STORE',
        station: 'KIND_STATION',
      }),
      { flag: '--name <text>', key: 'display_name', help: 'name for people' },
      { flag: '--merchant <id>', key: 'merchant_id', help: 'owner; without it all may use it' },
      { flag: '--province <text>', key: 'address.province', help: 'ship-from address' },
      { flag: '--city <text>', key: 'address.city', help: '' },
      { flag: '--district <text>', key: 'address.district', help: '' },
      { flag: '--street <text>', key: 'address.street', help: '' },
      { flag: '--detail <text>', key: 'address.detail', help: 'road, number, building' },
      { flag: '--phone <number>', key: 'phone', help: 'telephone of the place' },
      { flag: '--lat <deg>', key: 'location.latitude_deg', help: 'degrees north', isNumber: true },
      { flag: '--lng <deg>', key: 'location.longitude_deg', help: 'degrees east', isNumber: true },
      choice('--datum', 'location.datum', {
        wgs84: 'DATUM_WGS84',
        gcj02: 'DATUM_GCJ02',
        bd09: 'DATUM_BD09',
      }),
      state('STATE_'),
    ],
    get: async (client, nodeId) => toPlain(NodeSchema, (await client.getNode({ nodeId })).node),
    list: async (client, { merchantId = '', ...page }) => {
      const { nodes, nextPageToken } = await client.listNodes({ ...page, merchantId });
      return { items: nodes.map((each) => toPlain(NodeSchema, each)), nextPageToken };
    },
    listFlag: {
      flag: '--merchant <id>',
      key: 'merchantId',
      help: 'only what this merchant may use',
    },
    create: async (client, plain) => {
      const node = fromPlain(NodeSchema, plain);
      return toPlain(NodeSchema, (await client.createNode({ node })).node);
    },
    update: async (client, plain) => {
      const node = fromPlain(NodeSchema, plain);
      return toPlain(NodeSchema, (await client.updateNode({ node })).node);
    },
  },
  {
    name: 'range',
    title: 'Number ranges of couriers. / 快递公司的号段。',
    idKey: 'range_id',
    columns: [
      ...['range_id', 'courier_id', 'merchant_id', 'state', 'prefix', 'serial_width', 'suffix'],
      ...['check_digit_scheme', 'first_serial', 'last_serial', 'remaining_count'],
    ],
    flags: [
      { flag: '--courier <id>', key: 'courier_id', help: 'whose numbers' },
      { flag: '--merchant <id>', key: 'merchant_id', help: 'only for this merchant' },
      { flag: '--prefix <text>', key: 'prefix', help: '0 to 8 of A-Z and 0-9' },
      { flag: '--width <n>', key: 'serial_width', help: 'digits of the serial', isNumber: true },
      { flag: '--first <n>', key: 'first_serial', help: 'first serial' },
      { flag: '--last <n>', key: 'last_serial', help: 'last serial; may grow later' },
      choice('--check', 'check_digit_scheme', {
        none: 'CHECK_DIGIT_SCHEME_NONE',
        iso7064: 'CHECK_DIGIT_SCHEME_ISO7064_MOD11_10',
        gs1: 'CHECK_DIGIT_SCHEME_GS1_MOD10',
        s10: 'CHECK_DIGIT_SCHEME_UPU_S10',
      }),
      { flag: '--suffix <text>', key: 'suffix', help: '0 to 4 of A-Z after the check digit' },
      { flag: '--low-water <n>', key: 'low_water_count', help: 'warn when no more are left' },
      state('STATE_'),
    ],
    get: async (client, rangeId) =>
      toPlain(NumberRangeSchema, (await client.getNumberRange({ rangeId })).numberRange),
    list: async (client, { courierId = '', ...page }) => {
      const answer = await client.listNumberRanges({ ...page, courierId });
      const items = answer.numberRanges.map((each) => toPlain(NumberRangeSchema, each));
      return { items, nextPageToken: answer.nextPageToken };
    },
    listFlag: { flag: '--courier <id>', key: 'courierId', help: 'only of this courier' },
    create: async (client, plain) => {
      const numberRange = fromPlain(NumberRangeSchema, plain);
      return toPlain(
        NumberRangeSchema,
        (await client.createNumberRange({ numberRange })).numberRange,
      );
    },
    update: async (client, plain) => {
      const numberRange = fromPlain(NumberRangeSchema, plain);
      return toPlain(
        NumberRangeSchema,
        (await client.updateNumberRange({ numberRange })).numberRange,
      );
    },
  },
];

/** A message as JSON, every field named as in the contract. */
export function toPlain<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc> | undefined,
): Plain {
  const options = { useProtoFieldName: true, alwaysEmitImplicit: true };
  return toJson(schema, message ?? create(schema), options) as Plain;
}

export function fromPlain<Desc extends DescMessage>(
  schema: Desc,
  plain: Plain,
): MessageShape<Desc> {
  return fromJson(schema, plain as Parameters<typeof fromJson>[1]);
}

export function state(prefix: string): Flag {
  return choice('--state', 'state', { active: `${prefix}ACTIVE`, disabled: `${prefix}DISABLED` });
}

export function choice(flag: string, key: string, choices: Record<string, string>): Flag {
  return { flag: `${flag} <word>`, key, help: Object.keys(choices).join(', '), choices };
}

function toService(text: string): Plain {
  const [, code, name] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (code === undefined) throw new Error(`--service ${text}: write it as code=name`);
  return { service_code: code, display_name: name ?? '' };
}

export type Plain = { [key: string]: unknown };

/** An option that sets one field. */
export type Flag = {
  flag: string;
  /** Path of the field, with dots. */
  key: string;
  help: string;
  isNumber?: boolean;
  /** Words for enum values. */
  choices?: Record<string, string>;
  /** For a list field: the option may be repeated. */
  toItem?: (text: string) => Plain | string;
};

export type Resource = {
  name: string;
  title: string;
  idKey: string;
  /** Paths of what a table shows. */
  columns: readonly string[];
  flags: readonly Flag[];
  /** One filter of `list`. */
  listFlag?: { flag: string; key: 'merchantId' | 'courierId'; help: string };
  get(client: NetworkClient, id: string): Promise<Plain>;
  list(
    client: NetworkClient,
    page: PageRequest,
  ): Promise<{ items: Plain[]; nextPageToken: string }>;
  create(client: NetworkClient, plain: Plain): Promise<Plain>;
  update(client: NetworkClient, plain: Plain): Promise<Plain>;
};

export type NetworkClient = Client<typeof NetworkService>;

type PageRequest = {
  pageSize: number;
  pageToken: string;
  merchantId?: string;
  courierId?: string;
};
