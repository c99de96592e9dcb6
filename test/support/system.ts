import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DescService, MessageInitShape } from '@bufbuild/protobuf';
import { inject } from 'vitest';
import { openPool } from '#libs/db';
import { type Client, createClient, KIND_SCOPES, type TlsFiles } from '#libs/grpc';
import { LabelSigner } from '#libs/label';
import { createLogger, type Logger } from '#libs/log';
import { createMasterKeyFile, Keyring, loadMasterKey } from '#libs/privacy';
import type { Clock } from '#libs/run';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import type { AddedServiceSchema } from '#proto/queqiao/network/v1/courier';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { Node_Kind } from '#proto/queqiao/network/v1/node';
import { NumberRange_CheckDigitScheme } from '#proto/queqiao/network/v1/number_range';
import { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import { LabelService } from '#proto/queqiao/waybill/v1/label_service';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import type { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { ModuleSettings, Secrets } from '../../services/module.ts';
import { createOperatorKey, MODULES } from '../../services/modules.ts';
import { runServices } from '../../services/run.ts';
import { type TestDatabase, testDatabase } from './database.ts';

const SCHEMAS = Object.fromEntries(MODULES.map(({ name, migrations }) => [name, [...migrations]]));

/** All services in this process, on a database of their own and a port of their own. */
export async function testSystem(options: TestSystemOptions = {}): Promise<TestSystem> {
  const database = await testDatabase({ schemas: SCHEMAS });
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-system-'));
  const secrets = await testSecrets(folder, options);
  const now = options.now ?? (() => new Date());
  const lines: string[] = [];
  const log = createLogger({
    name: 'test',
    level: 'debug',
    destination: { write: (line) => void lines.push(line) },
  });
  const run = ({ listen = '127.0.0.1:0', change = {} }: RunChanges = {}) =>
    runServices({
      modules: MODULES,
      databaseUrl: database.url,
      natsUrl: 'natsUrl' in options ? options.natsUrl : inject('natsUrl'),
      listen,
      secrets: { ...secrets, ...change },
      settings: {
        cancelRatio: options.cancelRatio ?? { percent: 20, freeCount: 500 },
        labelPrintsMax: options.labelPrintsMax ?? 10,
      },
      tls: options.tls,
      reflection: true,
      log,
      now,
    });
  let services = await run();
  const operatorKey = await makeOperatorKey(database, secrets, now);
  const clients: { close(): void }[] = [];
  const caFile = options.tls?.caFile;
  const clientOf =
    <Desc extends DescService>(desc: Desc) =>
    (apiKey = operatorKey) => {
      const { address } = services;
      const client = createClient(desc, { address, caFile, credentials: { apiKey } });
      clients.push(client);
      return client;
    };
  const system: TestSystem = {
    database,
    secrets,
    operatorKey,
    log,
    logged: () => lines.join(''),
    get address() {
      return services.address;
    },
    network: clientOf(NetworkService),
    waybill: clientOf(WaybillService),
    vault: clientOf(VaultService),
    account: clientOf(AccountService),
    label: clientOf(LabelService),
    addresses: clientOf(AddressService),
    async restart(change) {
      const { address } = services;
      await services.stop(20_000);
      services = await run({ listen: address, change });
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await services.stop(20_000);
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return system;
}

async function testSecrets(folder: string, { keyring }: TestSystemOptions): Promise<Secrets> {
  const labelSigner = new LabelSigner(randomBytes(32));
  const path = join(folder, 'master.key');
  if (keyring === undefined) await createMasterKeyFile(path);
  return {
    labelSigner,
    labelKeys: [labelSigner.publicJwk],
    apiKeyPepper: randomBytes(32),
    serviceSecret: randomBytes(32).toString('base64url'),
    keyring: keyring ?? new Keyring({ current: await loadMasterKey(path) }),
  };
}

/**
 * A merchant, a courier, a node and a number range of their own, with names that no other test
 * uses, and a key of the merchant.
 */
export async function seedMerchant(
  system: Pick<TestSystem, 'network'>,
  options: SeedOptions = {},
): Promise<SeededMerchant> {
  const network = system.network();
  const tag = randomBytes(4).toString('hex');
  const merchantId = `shop-${tag}`;
  const courierId = `swift-${tag}`;
  const nodeId = `node-${tag}`;
  const rangeId = `range-${tag}`;
  const { spread = 1, numberCount = 1_000_000n, lowWaterCount = 0n } = options;
  await network.createMerchant({ merchant: { merchantId, displayName: '测试商家', spread } });
  await network.createCourier({
    courier: {
      courierId,
      displayName: '测试快递',
      services: [
        { serviceCode: 'standard', displayName: '标快' },
        { serviceCode: 'same-day', displayName: '当日达' },
      ],
      addedServices: options.addedServices ?? [],
    },
  });
  await network.createNode({
    node: {
      nodeId,
      kind: Node_Kind.WAREHOUSE,
      displayName: '测试仓',
      merchantId,
      address: {
        province: '上海市',
        city: '',
        district: '青浦区',
        street: '',
        detail: '华新镇1号',
      },
      phone: '021-12345678',
      location: { latitudeDeg: 31.2, longitudeDeg: 121.2 },
    },
  });
  await network.createNumberRange({
    numberRange: {
      rangeId,
      courierId,
      prefix: 'Q',
      serialWidth: 15,
      // Ranges of different tests must not overlap.
      firstSerial: BigInt(`0x${tag}`) * 100_000n,
      lastSerial: BigInt(`0x${tag}`) * 100_000n + numberCount - 1n,
      checkDigitScheme: NumberRange_CheckDigitScheme.ISO7064_MOD11_10,
      lowWaterCount,
    },
  });
  const { secret } = await network.createApiKey({
    apiKey: {
      apiKeyId: `key-${tag}`,
      subject: { kind: Subject_Kind.MERCHANT, id: merchantId },
      // As a merchant's warehouse has it: consignees in the clear need a key of their own.
      scopes: [...KIND_SCOPES.merchant].filter((scope) => !scope.startsWith('consignee.')),
    },
  });
  return { merchantId, courierId, nodeId, rangeId, apiKey: secret };
}

/** A valid parcel of the seeded merchant; `change` replaces fields of it. */
export function parcelOf(
  { courierId, nodeId }: { courierId: string; nodeId: string },
  orderRef: string,
  change: ParcelInit = {},
): ParcelInit {
  return {
    orderRef,
    courierId,
    nodeId,
    consignee: {
      name: '欧阳修远',
      phone: '13812345678',
      address: {
        province: '浙江省',
        city: '杭州市',
        district: '余杭区',
        street: '仓前街道',
        detail: '文一西路969号3幢2单元501室',
      },
    },
    weightG: 1_250,
    goodsDescription: '茶叶',
    ...change,
  };
}

async function makeOperatorKey(
  database: TestDatabase,
  secrets: Secrets,
  now: Clock,
): Promise<string> {
  const log = createLogger({ name: 'test', level: 'warn' });
  await using pool = openPool({ url: database.url, name: 'bootstrap', log });
  return await createOperatorKey({ pool, pepper: secrets.apiKeyPepper, now });
}

/** The plain fields of a Parcel message. */
export type ParcelInit = Exclude<MessageInitShape<typeof ParcelSchema>, { $typeName: string }>;

export type SeedOptions = {
  numberCount?: bigint;
  lowWaterCount?: bigint;
  spread?: number;
  /** Declared by the courier. */
  addedServices?: MessageInitShape<typeof AddedServiceSchema>[];
};

export type TestSystemOptions = {
  now?: Clock;
  /** Default the shared server; undefined runs without any NATS. */
  natsUrl?: string | undefined;
  tls?: TlsFiles | undefined;
  /** Default a fresh master key. */
  keyring?: Keyring;
  /** Default as an operator's: 20 % of 500 drawn or more. */
  cancelRatio?: ModuleSettings['cancelRatio'];
  /** Default as an operator's: 10. */
  labelPrintsMax?: number;
};

export type TestSystem = AsyncDisposable & {
  readonly database: TestDatabase;
  readonly secrets: Secrets;
  readonly operatorKey: string;
  readonly address: string;
  /** The services' own logger. */
  readonly log: Logger;
  /** Every line logged so far. */
  logged(): string;
  /** A client with this key, the operator's by default; closed with the system. */
  network(apiKey?: string): Client<typeof NetworkService>;
  waybill(apiKey?: string): Client<typeof WaybillService>;
  vault(apiKey?: string): Client<typeof VaultService>;
  account(apiKey?: string): Client<typeof AccountService>;
  label(apiKey?: string): Client<typeof LabelService>;
  addresses(apiKey?: string): Client<typeof AddressService>;
  /** Stops the services in order and starts them again: the same database, the same address. */
  restart(change?: Partial<Secrets>): Promise<void>;
};

type RunChanges = { listen?: string; change?: Partial<Secrets> | undefined };

export type SeededMerchant = {
  merchantId: string;
  courierId: string;
  nodeId: string;
  rangeId: string;
  apiKey: string;
};
