import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { createLogger } from '#libs/log';
import { NumberRangeReportedSchema } from '#proto/queqiao/waybill/v1/event';
import { takeRangeReport } from './range-report.ts';
import { courier, NOW, range, startNetwork, type TestNetwork, timestamp } from './test-network.ts';

test('notes what is left and announces nothing above the mark', async () => {
  await using reports = await openReports();
  await reports.take(500n, 1);
  expect(await reports.range()).toMatchObject({ remainingCount: 500n, etag: reports.etag });
  expect(reports.warnings()).toEqual([]);
  expect(await reports.announced()).toEqual([1n]);
});

test('marks, warns and announces once when the range falls to its low-water mark', async () => {
  await using reports = await openReports();
  reports.network.clock.tick(5_000);
  await reports.take(100n, 1);
  const low = await reports.range();
  expect(low.remainingCount).toBe(100n);
  expect(low.lowWaterTime).toEqual(timestamp(new Date(NOW.getTime() + 5_000)));
  expect(low.etag).not.toBe(reports.etag);

  reports.network.clock.tick(5_000);
  await reports.take(40n, 2);
  expect(await reports.range()).toMatchObject({
    remainingCount: 40n,
    lowWaterTime: low.lowWaterTime,
    etag: low.etag,
  });
  expect(reports.warnings()).toHaveLength(1);
  expect(reports.warnings()[0]).toMatchObject({
    range_id: 'qq',
    courier_id: 'swift',
    remaining_count: '100',
    low_water_count: '100',
  });
  expect(await reports.announced()).toEqual([1n, 2n]);
});

test('clears the low-water time when numbers came back, and warns at the next fall', async () => {
  await using reports = await openReports();
  await reports.take(90n, 1);
  await reports.take(150n, 2);
  expect((await reports.range()).lowWaterTime).toBeUndefined();
  await reports.take(80n, 3);
  expect(reports.warnings()).toHaveLength(2);
  expect(await reports.announced()).toEqual([1n, 2n, 3n, 4n]);
});

test('takes a report once, however often and by however many it is delivered', async () => {
  await using reports = await openReports();
  const event = reports.event(90n, 1);
  const take = () => reports.takeEvent(event);
  const outcomes = await reports.network.atOnce('inbox', Array(4).fill(take));
  for (const { status } of outcomes) expect(status).toBe('fulfilled');
  // Its id alone decides, also where the contents would have an effect.
  await reports.takeEvent({ ...reports.event(500n, 2), eventId: event.eventId });
  expect(await reports.range()).toMatchObject({ remainingCount: 90n });
  expect(reports.warnings()).toHaveLength(1);
  expect(await reports.announced()).toEqual([1n, 2n]);
});

test('ignores a report that was made before one it has', async () => {
  await using reports = await openReports();
  await reports.take(300n, 3);
  await reports.take(90n, 2);
  await reports.take(80n, 3);
  expect(await reports.range()).toMatchObject({ remainingCount: 300n });
  expect(reports.warnings()).toEqual([]);
});

test('ends with the newest report, in whatever order they come', async () => {
  await using reports = await openReports();
  const events = [700n, 90n, 400n, 60n, 500n].map((left, i) => reports.event(left, i + 1));
  const takes = events.toReversed().map((event) => () => reports.takeEvent(event));
  const outcomes = await reports.network.atOnce('number_range', takes);
  for (const { status } of outcomes) expect(status).toBe('fulfilled');
  expect((await reports.range()).remainingCount).toBe(500n);
});

test('ignores a report that was made before the range grew', async () => {
  await using reports = await openReports();
  const before = await reports.range();
  reports.network.clock.tick(10_000);
  const operator = reports.network.as('operator');
  await operator.updateNumberRange({ numberRange: { ...before, lastSerial: 2_999n } });
  await reports.take(50n, 9);
  expect(await reports.range()).toMatchObject({ remainingCount: 2_000n });
  await reports.take(50n, 11);
  expect(await reports.range()).toMatchObject({ remainingCount: 50n });
});

test('never warns of a range without a mark', async () => {
  await using reports = await openReports({ lowWaterCount: 0n });
  await reports.take(0n, 1);
  expect((await reports.range()).lowWaterTime).toBeUndefined();
  expect(reports.warnings()).toEqual([]);
});

test('takes a report of a range that it does not know as done', async () => {
  await using reports = await openReports();
  await reports.takeEvent({ ...reports.event(1n, 1, 'none') });
  expect(await reports.announced()).toEqual([1n]);
});

test('refuses a report that makes no sense, and keeps nothing of it', async () => {
  await using reports = await openReports();
  await expect(reports.take(-1n, 1)).rejects.toMatchObject({ code: '23514' });
  const payload = toBinary(NumberRangeReportedSchema, create(NumberRangeReportedSchema));
  await expect(reports.takeEvent({ eventId: randomUUID(), payload })).rejects.toThrow(
    'report_time',
  );
  expect(await reports.network.db.query('select from network.inbox')).toHaveLength(0);
});

async function openReports(change: { lowWaterCount?: bigint } = {}): Promise<Reports> {
  const network = await startNetwork();
  const operator = network.as('operator');
  await operator.createCourier({ courier: courier('swift') });
  const made = await operator.createNumberRange({ numberRange: range('qq', change) });
  const lines: string[] = [];
  const log = createLogger({ name: 'test', destination: { write: (line) => lines.push(line) } });
  const deps = { pool: network.pool, relay: { wake() {} }, now: network.clock.now, log };
  const event: Reports['event'] = (remainingCount, second, rangeId = 'qq') => ({
    eventId: randomUUID(),
    payload: toBinary(
      NumberRangeReportedSchema,
      create(NumberRangeReportedSchema, {
        rangeId,
        courierId: 'swift',
        remainingCount,
        reportTime: timestamp(new Date(NOW.getTime() + second * 1_000)),
      }),
    ),
  });
  return {
    network,
    etag: made.numberRange?.etag ?? '',
    event,
    takeEvent: (given) => takeRangeReport(deps, given),
    take: (remainingCount, second) => takeRangeReport(deps, event(remainingCount, second)),
    async range() {
      const { numberRange } = await operator.getNumberRange({ rangeId: 'qq' });
      if (numberRange === undefined) throw new Error('no range');
      return numberRange;
    },
    async announced() {
      const events = await network.events();
      return events.filter(({ kind }) => kind === 'number_range').map(({ version }) => version);
    },
    warnings: () => lines.map((line) => JSON.parse(line)),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  };
}

type RangeEvent = { eventId: string; payload: Uint8Array };

type Reports = AsyncDisposable & {
  network: TestNetwork;
  /** Of the range as created. */
  etag: string;
  /** A report made so many seconds after the range. */
  event(remainingCount: bigint, second: number, rangeId?: string): RangeEvent;
  takeEvent(event: RangeEvent): Promise<void>;
  take(remainingCount: bigint, second: number): Promise<void>;
  range(): Promise<NonNullable<Awaited<ReturnType<RangeGetter>>['numberRange']>>;
  /** Versions of the range that were announced. */
  announced(): Promise<bigint[]>;
  warnings(): unknown[];
};

type RangeGetter = ReturnType<TestNetwork['as']>['getNumberRange'];
