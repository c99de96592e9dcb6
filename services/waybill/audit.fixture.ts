// For audit.test.ts: two merchants with waybills on a database and a NATS of their own, what the
// merchants were told, and the hands of an operator and of a vandal.
import { type Bus, connectBus } from '#libs/bus';
import { openPool, type Pool } from '#libs/db';
import { createLogger } from '#libs/log';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import { startTestNats } from '#test/support/nats';
import { type StreamTamper, tamperWith } from '#test/support/stream';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import type { ClientEntry } from './audit/client-log.ts';
import { type AuditReport, auditPoolOptions, auditWaybills } from './audit.ts';
import { formatNumber } from './number.ts';

const log = createLogger({ name: 'test', level: 'silent' });

/** 300 waybills of `shop`, three of them cancelled, and 40 of `other`. */
export async function openAudited(): Promise<Audited> {
  const nats = await startTestNats();
  const system = await testSystem({ natsUrl: nats.url });
  const shop = await seedMerchant(system, { spread: 4 });
  const other = await seedMerchant(system);
  const told: ClientEntry[] = [];
  await issueTo(system, told, { of: shop, tag: 'A', count: 300, size: 100 });
  await issueTo(system, told, { of: other, tag: 'B', count: 40, size: 100 });
  for (const { number } of told.slice(0, 3)) {
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber: number, reason: '买家取消' });
  }
  const pool = openPool({ ...auditPoolOptions, url: system.database.url, log });
  const bus = connectBus({ url: nats.url, name: 'audit', log });
  await bus.whenConnected();
  const stream = await tamperWith(nats.url, 'QUEQIAO_WAYBILL');
  const numberAt = (index: number) => String(told[index]?.number);
  const scan = () => bus.scan('QUEQIAO_WAYBILL');
  return {
    ...{ system, shop, other, told, pool, bus, stream, numberAt, scan },
    one: numberAt(10),
    beside: numberAt(310),
    audit(entries = told) {
      const network = system.network();
      return auditWaybills({ pool, network, scan, clientLog: each(entries) });
    },
    issue: (draw) => issueTo(system, told, draw),
    unusedNumber: () => unusedNumber(system, other),
    async sql(text, values = []) {
      await system.database.query(text, values);
    },
    async [Symbol.asyncDispose]() {
      await stream[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
      await system[Symbol.asyncDispose]();
      await nats[Symbol.asyncDispose]();
    },
  };
}

async function* each(entries: ClientEntry[]): AsyncGenerator<ClientEntry> {
  yield* entries;
}

async function issueTo(system: TestSystem, told: ClientEntry[], draw: Draw): Promise<void> {
  const { of, tag, count, size } = draw;
  for (let from = 0; from < count; from += size) {
    const portion = Math.min(size, count - from);
    const refs = Array.from({ length: portion }, (_, i) => `${tag}-${from + i}`);
    const parcels = refs.map((ref) => parcelOf(of, ref));
    const { outcomes } = await system.waybill(of.apiKey).issueWaybills({ parcels });
    for (const [i, { outcome }] of outcomes.entries()) {
      if (outcome.case !== 'issued') throw new Error(`not issued: ${outcome.value?.textEn}`);
      const number = outcome.value.waybillNumber;
      told.push({ line: told.length + 1, orderRef: String(refs[i]), parcelNo: 1, number });
    }
  }
}

async function unusedNumber(system: TestSystem, { rangeId }: SeededMerchant): Promise<string> {
  const { numberRange } = await system.network().getNumberRange({ rangeId });
  const [lease] = await system.database.query<{ last_serial: string }>(
    'select max(last_serial) as last_serial from waybill.number_lease where range_id = $1',
    [rangeId],
  );
  return formatNumber(numberRange as NumberRange, BigInt(lease?.last_serial ?? 0));
}

type Draw = { of: SeededMerchant; tag: string; count: number; size: number };

export type Audited = AsyncDisposable & {
  system: TestSystem;
  shop: SeededMerchant;
  other: SeededMerchant;
  /** Of all that was issued so far. */
  told: ClientEntry[];
  pool: Pool;
  bus: Bus;
  stream: StreamTamper;
  /** A number of `shop` that is not cancelled. */
  one: string;
  /** A number of `other`, whose parcels share one bucket; its order is B-10. */
  beside: string;
  numberAt(index: number): string;
  scan(): ReturnType<Bus['scan']>;
  audit(entries?: ClientEntry[]): Promise<AuditReport>;
  issue(draw: Draw): Promise<void>;
  /** A number of `other` that is leased and that no waybill has. */
  unusedNumber(): Promise<string>;
  sql(text: string, values?: unknown[]): Promise<void>;
};
