import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { type BusEvent, connectBus, subjects } from '#libs/bus';
import { inInbox, migrate, openPool, transaction } from '#libs/db';
import { createLogger } from '#libs/log';
import { WaybillsIssuedSchema } from '#proto/queqiao/waybill/v1/event';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { startTestNats } from '#test/support/nats';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

// A partner's system follows issued waybills over NATS, while NATS comes and goes.

const log = createLogger({ name: 'test', level: 'silent' });

describe('the stream of issued waybills', () => {
  it('tells a partner of every waybill once, through outages of NATS', async () => {
    await using nats = await startTestNats();
    await using system = await testSystem({ natsUrl: nats.url });
    await using partner = await startPartner(nats.url, 'once');
    const shop = await seedMerchant(system);
    const numbers: string[] = [];
    numbers.push(...(await issue(system, shop, 'BEFORE', 120)));
    await nats.kill();
    // Issuing does not notice.
    numbers.push(...(await issue(system, shop, 'AWAY', 300)));
    await nats.start();
    numbers.push(...(await issue(system, shop, 'BACK', 80)));
    await nats.stop();
    await nats.loseStore();
    numbers.push(...(await issue(system, shop, 'LOST', 40)));
    await nats.start();
    await expect.poll(() => partner.seen(), LONG).toEqual(numbers.toSorted());
    // What the relay sends again to the new stream comes before what is issued now.
    numbers.push(...(await issue(system, shop, 'LAST', 1)));
    await expect.poll(() => partner.seen(), LONG).toEqual(numbers.toSorted());
    expect(await partner.eventCount()).toBe(await issuedEventCount(system));
  });

  it('tells a partner without an inbox some waybills twice, when the stream was lost', async () => {
    await using nats = await startTestNats();
    await using system = await testSystem({ natsUrl: nats.url });
    await using partner = await startPartner(nats.url, 'every time');
    const shop = await seedMerchant(system);
    const numbers = await issue(system, shop, 'TWICE', 20);
    await expect.poll(() => partner.seen(), LONG).toEqual(numbers.toSorted());
    await nats.stop();
    await nats.loseStore();
    await nats.start();
    await expect.poll(() => partner.seen(), LONG).toEqual([...numbers, ...numbers].toSorted());
  });

  it('holds each issued row once, and never one that a repeat left out', async () => {
    await using system = await testSystem({ natsUrl: undefined });
    const shop = await seedMerchant(system);
    const first = await issue(system, shop, 'ROW', 700);
    await issue(system, shop, 'ROW', 900);
    const events = await system.database.query<{ payload: Buffer; subject: string }>(
      `select payload, subject from waybill.outbox where type = $1`,
      [WaybillsIssuedSchema.typeName],
    );
    const told = events.flatMap(({ payload }) => numbersIn(payload));
    const rows = await system.database.query<{ waybill_number: string }>(
      'select waybill_number from waybill.waybill',
    );
    expect(told.toSorted()).toEqual(rows.map((row) => row.waybill_number).toSorted());
    expect(told).toEqual(expect.arrayContaining(first));
    for (const { payload } of events) expect(numbersIn(payload).length).toBeLessThanOrEqual(250);
    expect(new Set(events.map(({ subject }) => subject))).toEqual(
      new Set([subjects.waybillIssued(shop.courierId)]),
    );
  });

  it('takes the low-water mark of a range to its courier’s operator', async () => {
    await using nats = await startTestNats();
    await using system = await testSystem({ natsUrl: nats.url });
    const shop = await seedMerchant(system, { numberCount: 200n, lowWaterCount: 100n });
    const range = async () =>
      (await system.network().getNumberRange({ rangeId: shop.rangeId })).numberRange;
    expect((await range())?.lowWaterTime).toBeUndefined();
    await issue(system, shop, 'LOW', 150);
    await expect.poll(async () => (await range())?.lowWaterTime, LONG).toBeDefined();
    expect((await range())?.remainingCount).toBeLessThanOrEqual(100n);
  });
});

const LONG = { timeout: 45_000, interval: 100 };

async function issue(
  system: TestSystem,
  shop: SeededMerchant,
  tag: string,
  count: number,
): Promise<string[]> {
  const parcels = Array.from({ length: count }, (_, i) => parcelOf(shop, `${tag}-${i}`));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) => {
    if (outcome.case !== 'issued') throw new Error(outcome.value?.textEn);
    return outcome.value.waybillNumber;
  });
}

async function issuedEventCount({ database }: TestSystem): Promise<number> {
  const rows = await database.query('select from waybill.outbox where type = $1', [
    WaybillsIssuedSchema.typeName,
  ]);
  return rows.length;
}

function numbersIn(payload: Uint8Array): string[] {
  const { parcels } = fromBinary(WaybillsIssuedSchema, payload);
  return parcels.map(({ waybillNumber }) => waybillNumber);
}

/** Another company's program with a database of its own, which notes every number it hears of. */
async function startPartner(natsUrl: string, take: 'once' | 'every time'): Promise<Partner> {
  const database: TestDatabase = await testDatabase();
  await migrate({ url: database.url, schema: 'partner', dirs: [], log });
  await database.query('create table partner.heard (waybill_number text)');
  const pool = openPool({ url: database.url, name: 'partner', log });
  const bus = connectBus({ url: natsUrl, name: 'partner', log });
  const handle = ({ eventId, payload }: BusEvent) =>
    transaction(pool, async (tx) => {
      const id = take === 'once' ? eventId : randomUUID();
      if (!(await inInbox(tx, 'partner', 'partner', id))) return;
      const numbers = numbersIn(payload);
      await tx.query('insert into partner.heard select unnest($1::text[])', [numbers]);
    });
  const consumer = bus.consume({
    stream: 'QUEQIAO_WAYBILL',
    durable: 'partner',
    filter: subjects.waybillIssued('*'),
    maxDeliver: 100,
    handle,
    deadLetter: async (_, error) => Promise.reject(error),
  });
  return {
    async seen() {
      const rows = await database.query<{ waybill_number: string }>(
        'select waybill_number from partner.heard',
      );
      return rows.map((row) => row.waybill_number).toSorted();
    },
    eventCount: async () => (await database.query('select from partner.inbox')).length,
    async [Symbol.asyncDispose]() {
      await consumer[Symbol.asyncDispose]();
      await bus[Symbol.asyncDispose]();
      await pool[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

type Partner = AsyncDisposable & {
  /** Every number it noted, in order. */
  seen(): Promise<string[]>;
  /** Events in its inbox. */
  eventCount(): Promise<number>;
};
