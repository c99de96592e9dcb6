import { create, type DescMessage, fromJson, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { Client } from '#libs/grpc';
import { CourierSchema } from '#proto/queqiao/network/v1/courier';
import { CourierAccountSchema } from '#proto/queqiao/network/v1/courier_account';
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
    columns: ['courier_id', 'display_name', 'state', 'account_required', 'services'],
    flags: [
      { flag: '--name <text>', key: 'display_name', help: 'name for people' },
      {
        flag: '--service <code=name>',
        key: 'services',
        help: 'a product; may be repeated, the first is the default',
        toItem: toService,
      },
      { flag: '--account-required', key: 'account_required', help: 'draw by an account only' },
      { flag: '--no-account-required', key: 'account_required', help: 'draw without one too' },
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
    listFlags: [
      { flag: '--merchant <id>', key: 'merchantId', help: 'only what this merchant may use' },
    ],
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
    listFlags: [{ flag: '--courier <id>', key: 'courierId', help: 'only of this courier' }],
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

/** What `queqiao account` works on, beside what accounts have used. */
export const ACCOUNT: Resource = {
  name: 'account',
  title: "Merchants' accounts at couriers, and what they used. / 商家的快递账号及用量。",
  idKey: 'account_id',
  columns: [
    ...['account_id', 'merchant_id', 'courier_id', 'state', 'billing', 'branch_code'],
    ...['branch_name', 'customer_code', 'node_ids', 'low_balance_count', 'refund_on_cancel'],
  ],
  flags: [
    { flag: '--merchant <id>', key: 'merchant_id', help: 'whose account; fixed' },
    { flag: '--courier <id>', key: 'courier_id', help: 'where it is held; fixed' },
    choice('--billing', 'billing', { prepaid: 'BILLING_PREPAID', monthly: 'BILLING_MONTHLY' }),
    { flag: '--branch <code>', key: 'branch_code', help: "the courier's code of the branch" },
    { flag: '--branch-name <text>', key: 'branch_name', help: 'name of the branch' },
    { flag: '--customer <code>', key: 'customer_code', help: 'customer number at the courier' },
    {
      flag: '--node <id>',
      key: 'node_ids',
      help: 'a node that ships by it; may be repeated. Without: all',
      toItem: (text) => text,
    },
    { flag: '--low-balance <n>', key: 'low_balance_count', help: 'warn when no more are left' },
    { flag: '--refund-on-cancel', key: 'refund_on_cancel', help: 'a cancel gives one back; fixed' },
    state('STATE_'),
  ],
  get: async (client, accountId) =>
    toPlain(CourierAccountSchema, (await client.getCourierAccount({ accountId })).courierAccount),
  list: async (client, { merchantId = '', courierId = '', ...page }) => {
    const answer = await client.listCourierAccounts({ ...page, merchantId, courierId });
    const items = answer.courierAccounts.map((each) => toPlain(CourierAccountSchema, each));
    return { items, nextPageToken: answer.nextPageToken };
  },
  listFlags: [
    { flag: '--merchant <id>', key: 'merchantId', help: 'only of this merchant' },
    { flag: '--courier <id>', key: 'courierId', help: 'only at this courier' },
  ],
  create: async (client, plain) => {
    const courierAccount = fromPlain(CourierAccountSchema, plain);
    const answer = await client.createCourierAccount({ courierAccount });
    return toPlain(CourierAccountSchema, answer.courierAccount);
  },
  update: async (client, plain) => {
    const courierAccount = fromPlain(CourierAccountSchema, plain);
    const answer = await client.updateCourierAccount({ courierAccount });
    return toPlain(CourierAccountSchema, answer.courierAccount);
  },
};

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
  /** The option names a file; the field is its text. */
  isFile?: boolean;
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
  /** Filters of `list`. */
  listFlags?: { flag: string; key: 'merchantId' | 'courierId'; help: string }[];
  get(client: NetworkClient, id: string): Promise<Plain>;
  list(
    client: NetworkClient,
    page: PageRequest,
  ): Promise<{ items: Plain[]; nextPageToken: string }>;
  /** Missing where something is made in another way than from fields. */
  create?(client: NetworkClient, plain: Plain): Promise<Plain>;
  update(client: NetworkClient, plain: Plain): Promise<Plain>;
};

export type NetworkClient = Client<typeof NetworkService>;

type PageRequest = {
  pageSize: number;
  pageToken: string;
  merchantId?: string;
  courierId?: string;
};
