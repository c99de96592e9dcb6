import { type Pool, transaction } from '#libs/db';
import { Announcements } from './audit/announcements.ts';
import { CHECKS, Check } from './audit/check.ts';
import { CheckDigit } from './audit/check-digit.ts';
import { type ClientEntry, ClientLog } from './audit/client-log.ts';
import { DataKeyPresent } from './audit/data-key-present.ts';
import { checkLeases } from './audit/leases.ts';
import { askNetwork, type Network, type NetworkReader } from './audit/network.ts';
import { NumberInLease } from './audit/number-in-lease.ts';
import { NumberInRange } from './audit/number-in-range.ts';
import { type HourRow, OutboxStream, type StreamedEvent } from './audit/outbox-stream.ts';
import { ParcelInBucket } from './audit/parcel-in-bucket.ts';
import * as store from './store/audit.ts';

export { CHECKS, type Check, type CheckName } from './audit/check.ts';
export type { ClientEntry } from './audit/client-log.ts';

/**
 * Examines a running system: that numbers, leases, waybills and events keep what README.md
 * promises (I1 to I5, I12, I14 of the invariants). The database is read on one connection, as it
 * was at one moment, and nothing is changed; the stream is read after that. Memory grows with the
 * events kept (about 40 bytes each) and the lines of a client's log, not with the waybills.
 *
 * `pool` needs two connections and time for long statements: see `auditPoolOptions`.
 */
export async function auditWaybills(options: AuditOptions): Promise<AuditReport> {
  const { pool, progress = () => undefined } = options;
  const startMs = performance.now();
  progress('network', 0);
  const network = await askNetwork(options.network);
  const snapshot = await transaction(pool, async (tx) => {
    const time = await store.beginSnapshot(tx);
    const since = hoursBefore(time, options.hours ?? HOURS);
    const eventsSince = hoursBefore(since, SKEW_HOURS);
    // Young events may have been created by transactions that were still under way.
    const known = (ids: string[]) => store.selectKnownEvents(pool, ids, eventsSince);
    const stream = new OutboxStream(since, known);
    const announced = new Announcements(since);
    const checks: Check[] = [];
    progress('leases', 0);
    const cursors = await store.selectCursors(tx);
    checks.push(...(await checkLeases(store.leases(tx), cursors, network)));
    checks.push(...(await checkWaybills(tx, network, announced, options)));
    let count = 0;
    for await (const page of store.events(tx, eventsSince)) {
      for (const event of page) {
        announced.event(event);
        stream.event(event);
      }
      count += page.length;
      progress('events', count);
    }
    await announced.settle({
      waybills: (minutes) => store.waybillsOfMinutes(tx, minutes),
      events: () => store.events(tx, eventsSince),
    });
    progress('uniqueness', 0);
    checks.push(...(await checkUnique(tx, checks)), ...announced.checks);
    return { time, since, checks, stream };
  });
  const { checks, stream } = snapshot;
  if (options.scan !== undefined) {
    await compareStream(stream, options.scan, progress);
    checks.push(stream.inStream, stream.inOutbox);
  }
  const order = Object.keys(CHECKS);
  checks.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const isWell = checks.every(({ violationCount }) => violationCount === 0);
  return {
    isWell,
    snapshotTime: snapshot.time,
    since: snapshot.since,
    checks,
    waitingEventCount: stream.waitingCount,
    repeatedEventCount: stream.repeatedCount,
    hours: options.scan === undefined ? [] : stream.hours(),
    missingEventCount: stream.inStream.violationCount,
    seconds: (performance.now() - startMs) / 1_000,
  };
}

/** Which published events of the last `hours` the stream lacks, and how many. */
export async function missingEvents(options: MissingOptions): Promise<MissingEvents> {
  const { pool, scan, hours = HOURS, progress = () => undefined } = options;
  const stream = await transaction(pool, async (tx) => {
    const since = hoursBefore(await store.beginSnapshot(tx), hours);
    const compared = new OutboxStream(since, (ids) => store.selectKnownEvents(pool, ids, since));
    let count = 0;
    for await (const page of store.events(tx, since)) {
      for (const event of page) compared.event(event);
      count += page.length;
      progress('events', count);
    }
    return compared;
  });
  await compareStream(stream, scan, progress);
  return { count: stream.inStream.violationCount, has: (id) => stream.lacks(id) };
}

/** Everything that one look at each waybill can tell. */
async function checkWaybills(
  tx: Snapshot,
  network: Network,
  announced: Announcements,
  { clientLog, merchantId, progress = () => undefined }: AuditOptions,
): Promise<Check[]> {
  const log = clientLog && new ClientLog(merchantId);
  if (clientLog !== undefined) for await (const entry of clientLog) log?.add(entry);
  const inLease = new NumberInLease(store.leasesByBucket(tx), network);
  const inRange = new NumberInRange(network);
  const digit = new CheckDigit();
  const inBucket = new ParcelInBucket(network);
  const dataKey = new DataKeyPresent(await store.selectDataKeyOwners(tx));
  let count = 0;
  for await (const page of store.waybills(tx)) {
    for (const row of page) {
      if (row.bucket !== inLease.bucket) await inLease.enter(row.bucket);
      inLease.examine(row);
      digit.examine(row.waybill_number, inRange.examine(row));
      inBucket.examine(row);
      dataKey.examine(row);
      announced.waybill(row);
      log?.waybill(row);
    }
    count += page.length;
    progress('waybills', count);
  }
  log?.settle();
  const checks = [inLease.check, inRange.check, digit.check, inBucket.check, dataKey.check];
  return log === undefined ? checks : [...checks, log.check];
}

/** I1 and I3 over all buckets, by sorting all numbers and keys, without the unique indexes. */
async function checkUnique(tx: Snapshot, others: Check[]): Promise<Check[]> {
  const waybillCount = others.find(({ name }) => name === 'number-in-lease')?.examinedCount ?? 0;
  const numbers = new Check('numbers-unique');
  const keys = new Check('parcel-keys-unique');
  for (const [check, rows] of [
    [numbers, await store.selectDoubleNumbers(tx, EXAMPLE_COUNT)],
    [keys, await store.selectDoubleKeys(tx, EXAMPLE_COUNT)],
  ] as const) {
    check.examinedCount = waybillCount;
    for (const { example } of rows) check.violate(example);
    check.violationCount = Number(rows[0]?.total ?? 0);
  }
  return [numbers, keys];
}

async function compareStream(
  stream: OutboxStream,
  scan: NonNullable<AuditOptions['scan']>,
  progress: NonNullable<AuditOptions['progress']>,
): Promise<void> {
  let count = 0;
  for await (const event of scan()) {
    await stream.message(event);
    count += 1;
    if (count % 5_000 === 0) progress('stream', count);
  }
  await stream.settle();
}

/**
 * An hour below what outbox and stream keep, so that what is about to go is not missed, and clocks
 * may differ by so much.
 */
const HOURS = 47;
/** A waybill's time is of its service's clock, an event's of the database's. */
const SKEW_HOURS = 0.5;
const EXAMPLE_COUNT = 5;

/** Settings for the pool of an audit: two connections, and statements that may run for minutes. */
export const auditPoolOptions = {
  name: 'queqiao-audit',
  maxConnections: 2,
  statementTimeoutMs: 10 * 60_000,
  // Between two pages the events of the last are decoded, never for long.
  idleInTransactionTimeoutMs: 5 * 60_000,
} as const;

function hoursBefore(time: Date, hours: number): Date {
  return new Date(time.getTime() - hours * 3_600_000);
}

type Snapshot = Parameters<typeof store.waybills>[0];

export type MissingOptions = Pick<AuditOptions, 'pool' | 'hours' | 'progress'> & {
  scan: NonNullable<AuditOptions['scan']>;
};

export type MissingEvents = { count: number; has(eventId: string): boolean };

export type AuditOptions = {
  pool: Pool;
  network: NetworkReader;
  /** Every message of the waybill stream; without it the stream is not looked at. */
  scan?: (() => AsyncIterable<StreamedEvent>) | undefined;
  /** What a client was told, to be compared with the waybills. */
  clientLog?: AsyncIterable<ClientEntry> | undefined;
  /** Whose log that is; undefined for any merchant. */
  merchantId?: string | undefined;
  /** How far back events are compared. Default 47, an hour less than they are kept. */
  hours?: number | undefined;
  /** Told what is looked at, and how many of it so far. */
  progress?: ((what: string, count: number) => void) | undefined;
};

export type AuditReport = {
  isWell: boolean;
  /** The moment that the database was seen at. */
  snapshotTime: Date;
  /** From when on events were compared. */
  since: Date;
  checks: Check[];
  /** Of the snapshot, not yet published: no fault, unless it grows. */
  waitingEventCount: number;
  /** Repeats in the stream, which consumers drop by their inbox. */
  repeatedEventCount: number;
  hours: HourRow[];
  /** Published events that the stream lacks: `missingEvents` finds them again, for a repair. */
  missingEventCount: number;
  seconds: number;
};
