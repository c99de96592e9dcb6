import {
  type DescMessage,
  fromBinary,
  type Message,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, vi } from 'vitest';
import { openPool, roleOf } from '#libs/db';
import { RpcError } from '#libs/errors';
import { type Client, createClient, type Identity, KIND_SCOPES, startServer } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { type ApiKeySchema, Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { Area_Kind, type AreaSchema } from '#proto/queqiao/network/v1/area';
import type { CourierSchema } from '#proto/queqiao/network/v1/courier';
import {
  CourierAccount_Billing,
  type CourierAccountSchema,
} from '#proto/queqiao/network/v1/courier_account';
import { ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import type { MerchantSchema } from '#proto/queqiao/network/v1/merchant';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { Node_Kind, type NodeSchema } from '#proto/queqiao/network/v1/node';
import {
  NumberRange_CheckDigitScheme,
  type NumberRangeSchema,
} from '#proto/queqiao/network/v1/number_range';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { networkService } from './service.ts';

/** For the service's tests: a database of its own, a real server, callers of every kind. */
export async function startNetwork(): Promise<TestNetwork> {
  const db = await testDatabase({
    schemas: { network: ['services/network/migrations'] },
  });
  const log = createLogger({ name: 'test', level: 'silent' });
  // On a busy machine calls that are made to wait for each other wait for long.
  const waits = { lockTimeoutMs: 15_000, statementTimeoutMs: 15_000 };
  const pool = openPool({
    url: db.url,
    name: 'network-test',
    role: roleOf('network'),
    log,
    ...waits,
  });
  const clock = startClock();
  const pepper = Buffer.from('a pepper for tests');
  let wakeCount = 0;
  const wake = () => {
    wakeCount += 1;
  };
  const server = await startServer({
    listen: '127.0.0.1:0',
    services: [networkService({ pool, relay: { wake }, pepper, now: clock.now })],
    authenticate: async (secret) => identityOf(secret),
    log,
  });
  const client = createClient(NetworkService, { address: server.address });
  return {
    db,
    pool,
    clock,
    pepper,
    wakes: () => wakeCount,
    as: (who) => callingAs(client, who),
    events: () => announced(db),
    atOnce: (table, calls, lock) => atOnce(db, { table, calls, lock }),
    async [Symbol.asyncDispose]() {
      client.close();
      await server.stop({ graceMs: 1_000 });
      await pool[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** The callers of tests say who they are; that keys are checked is a test of its own. */
function identityOf(who: string): Identity {
  const [kind, id = ''] = who.split(':') as [Identity['kind'], string?];
  return { kind, id, scopes: KIND_SCOPES[kind], keyId: 'test' };
}

function callingAs(client: NetworkClient, who: Who): NetworkClient {
  return new Proxy(client, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as NetworkClient['getNode'];
      return (request: object) => method(request, { apiKey: who });
    },
  });
}

function startClock(): TestNetwork['clock'] {
  let nowMs = NOW.getTime();
  return {
    now: () => new Date(nowMs),
    tick: (ms) => {
      nowMs += ms;
    },
  };
}

async function announced(db: TestDatabase): Promise<Announced[]> {
  const rows = await db.query<{ subject: string; payload: Buffer }>(
    'select subject, payload from network.outbox order by id',
  );
  return rows.map(({ subject, payload }) => {
    const changed = fromBinary(ResourceChangedSchema, payload);
    const { kind, id, version, courierId, merchantId } = changed;
    const owners = { ...(courierId && { courierId }), ...(merchantId && { merchantId }) };
    return { subject, kind, id, version, ...owners };
  });
}

async function atOnce<T>(
  db: TestDatabase,
  {
    table,
    calls,
    lock = 'exclusive',
  }: { table: string; calls: (() => Promise<T>)[]; lock: Lock | undefined },
): Promise<PromiseSettledResult<T>[]> {
  await db.query('begin');
  await db.query(`lock table network.${table} in ${lock} mode`);
  const outcomes = Promise.allSettled(calls.map((call) => call()));
  await vi.waitFor(async () => {
    const waiting = await db.query(
      `select from pg_locks
       where not granted and relation = 'network.${table}'::regclass
         and database = (select oid from pg_database where datname = current_database())`,
    );
    expect(waiting).toHaveLength(calls.length);
  }, 8_000);
  await db.query('commit');
  return outcomes;
}

/** What a call was refused with, reduced to what tests compare. */
export async function fault(call: Promise<unknown>): Promise<Fault> {
  const error = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (error === undefined) throw new Error('the call was not refused');
  if (!(error instanceof RpcError)) throw error;
  const { reason, field, metadata, message } = error;
  const { problem, id } = metadata;
  if (reason === 'INTERNAL') return { reason, field, text: message };
  return { reason, field, ...(problem && { problem }), ...(id && { id }) };
}

/** Walks all pages of a list and answers the ids in the order in which they came. */
export async function walk(list: List): Promise<string[][]> {
  const pages: string[][] = [];
  let pageToken = '';
  do {
    const page = await list(pageToken);
    pages.push(page.ids);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return pages;
}

export function merchant(merchantId: string, change: Init<typeof MerchantSchema> = {}) {
  return { merchantId, displayName: 'Shop 商店', ...change };
}

export function courier(courierId: string, change: Init<typeof CourierSchema> = {}) {
  const services = [
    { serviceCode: 'standard', displayName: '标快' },
    { serviceCode: 'same-day', displayName: '当日达' },
  ];
  return { courierId, displayName: 'Swift 快递', services, ...change };
}

export function node(nodeId: string, change: Init<typeof NodeSchema> = {}) {
  const address = {
    province: '浙江省',
    city: '杭州市',
    district: '余杭区',
    street: '仓前街道',
    detail: '文一西路 969 号',
  };
  const location = { latitudeDeg: 30.28, longitudeDeg: 120.02 };
  const displayName = '余杭仓';
  return { nodeId, kind: Node_Kind.WAREHOUSE, displayName, address, location, ...change };
}

/** Needs the courier swift. */
export function range(rangeId: string, change: Init<typeof NumberRangeSchema> = {}) {
  return {
    rangeId,
    courierId: 'swift',
    prefix: 'QQ',
    serialWidth: 8,
    firstSerial: 1_000n,
    lastSerial: 1_999n,
    checkDigitScheme: NumberRange_CheckDigitScheme.ISO7064_MOD11_10,
    lowWaterCount: 100n,
    ...change,
  };
}

/** Needs the merchant shop and the courier swift. */
export function courierAccount(accountId: string, change: Init<typeof CourierAccountSchema> = {}) {
  const billing = CourierAccount_Billing.PREPAID;
  return { accountId, merchantId: 'shop', courierId: 'swift', billing, ...change };
}

/** Needs the courier swift. */
export function area(areaId: string, change: Init<typeof AreaSchema> = {}) {
  return { areaId, courierId: 'swift', kind: Area_Kind.SERVICE, ...change };
}

/** The border of a rectangle as GeoJSON; degrees. */
export function rectangle({ west, south, east, north }: Box): string {
  const ring = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return JSON.stringify({ type: 'Polygon', coordinates: [ring] });
}

/** Needs the merchant shop. */
export function apiKey(apiKeyId: string, change: Init<typeof ApiKeySchema> = {}) {
  const subject = { kind: Subject_Kind.MERCHANT, id: 'shop' };
  return { apiKeyId, subject, scopes: ['waybill.issue', 'waybill.read'], ...change };
}

export function timestamp(date: Date): Timestamp {
  return timestampFromDate(date);
}

/** When a test's clock starts. */
export const NOW = new Date('2026-01-02T03:04:05.678Z');

/** The fields of a message to set; the others take their default. */
type Init<Desc extends DescMessage> = Exclude<MessageInitShape<Desc>, Message>;

type Who = 'operator' | `service:${string}` | `merchant:${string}` | `courier:${string}`;
type Lock = 'exclusive' | 'row exclusive';
type NetworkClient = Client<typeof NetworkService>;
type Announced = {
  subject: string;
  kind: string;
  id: string;
  version: bigint;
  courierId?: string;
  merchantId?: string;
};
export type Box = { west: number; south: number; east: number; north: number };

type Fault = { reason: string; field: string; problem?: string; id?: string; text?: string };
type List = (pageToken: string) => Promise<{ ids: string[]; nextPageToken: string }>;

export type TestNetwork = AsyncDisposable & {
  db: TestDatabase;
  pool: ReturnType<typeof openPool>;
  clock: { now: () => Date; tick(ms: number): void };
  pepper: Buffer;
  /** How often the relay was told of new events. */
  wakes(): number;
  as(who: Who): NetworkClient;
  /**
   * Starts all calls and lets none of them write to the table before all are about to. Reads go on;
   * so do writes under 'row exclusive', which is what other writers hold.
   */
  atOnce<T>(
    table: string,
    calls: (() => Promise<T>)[],
    lock?: Lock,
  ): Promise<PromiseSettledResult<T>[]>;
  /** What was announced, in order. */
  events(): Promise<Announced[]>;
};
