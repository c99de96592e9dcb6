import type { Logger } from '#libs/log';
import { background, backoff, crashpoint, sleep } from '#libs/run';
import { dropPartitions, makePartitions, sweepDefault, sweepInbox } from './partition.ts';
import type { Pool } from './pool.ts';
import * as store from './relay-store.ts';
import { Alarm, deadline, Every } from './relay-time.ts';
import { replayEvents } from './replay.ts';

/**
 * Publishes the events of one schema's outbox, in commit-safe order, each at least once. Any
 * number of processes may start one: the holder of a lease in the database works, the others stand
 * by. A window of events counts as published when `publish` has resolved for all of it; events stay
 * for `retentionMs` after that. When the tables were restored from a dump, or the stream is another
 * one than before, it starts again from the oldest event it has.
 *
 * A failure of any kind is tried again for ever, after a growing delay. Give it a pool of its own
 * (three connections are enough), so that a rush of calls cannot starve it.
 */
export function startRelay(options: RelayOptions): Relay {
  const settings = { ...DEFAULTS, ...options };
  const { pool, schema, log } = settings;
  const alarm = new Alarm();
  const loop = background(
    `relay of ${schema}`,
    (signal) => new RelayLoop(settings, alarm).run(signal),
    { log },
  );
  return {
    wake: () => alarm.ring(),
    lag: () => store.selectLag(pool, schema, LAG_COUNT_MAX),
    replay: async (range) => (await replayEvents(settings, range)).count,
    [Symbol.asyncDispose]: () => loop[Symbol.asyncDispose](),
  };
}

class RelayLoop {
  readonly #settings: Settings;
  readonly #alarm: Alarm;
  #nextDelayMs = backoff(RETRY);
  readonly #isUpkeepDue: Every;
  /** Runs beside the publishing: to drop a table can take a while. */
  #upkeep: Promise<void> | undefined;
  #isFailing = false;

  constructor(settings: Settings, alarm: Alarm) {
    this.#settings = settings;
    this.#isUpkeepDue = new Every(settings.upkeepMs);
    this.#alarm = alarm;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { pool, schema, leaseMs } = this.#settings;
    while (!signal.aborted) {
      try {
        const row = await store.takeLease(pool, schema, leaseMs);
        if (row === undefined) await sleep(leaseMs / 2, signal);
        else await this.#lead(row, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#noteFailure(error);
        await sleep(this.#nextDelayMs(), signal).catch(() => undefined);
      }
    }
  }

  /** Until the lease is lost, something fails, or the relay is stopped. */
  async #lead(row: store.LeaseRow, signal: AbortSignal): Promise<void> {
    const { pool, schema, leaseMs } = this.#settings;
    const lease: Lease = { ...row, leaseMs, isLost: false, renewal: Promise.resolve() };
    const timer = setInterval(() => {
      lease.renewal = this.#renew(lease);
    }, leaseMs / 3);
    try {
      await this.#work(lease, signal);
    } finally {
      clearInterval(timer);
      // A renewal after the return would keep the next relay waiting.
      await Promise.all([lease.renewal, this.#upkeep]);
      // If this fails, the lease ends by itself.
      await store.returnLease(pool, schema, lease.fence).catch(() => undefined);
    }
  }

  async #renew(lease: Lease): Promise<void> {
    const { pool, schema } = this.#settings;
    try {
      if (!(await store.renewLease(pool, schema, lease))) lease.isLost = true;
    } catch {
      // The loop meets the same trouble and tells of it; another relay may take over meanwhile.
    }
  }

  async #work(lease: Lease, signal: AbortSignal): Promise<void> {
    const { pool, schema, pollMs, idlePollMs } = this.#settings;
    await this.#adoptDump(lease);
    const isCheckDue = new Every(this.#settings.checkMs);
    let waitMs = pollMs;
    while (!signal.aborted && !lease.isLost) {
      // Before the stream is asked for: partitions are needed also while the bus is away.
      if (this.#isUpkeepDue.now()) this.#upkeep = this.#runUpkeep(lease);
      if (isCheckDue.now()) await this.#followStream(lease);
      const rows = await store.selectWindow(pool, schema, lease);
      const last = rows.at(-1);
      if (last === undefined) {
        this.#noteSuccess();
        const isRung = await this.#alarm.wait(waitMs, signal);
        waitMs = isRung ? pollMs : Math.min(waitMs * 2, idlePollMs);
        continue;
      }
      crashpoint('before_publish');
      await this.#publish(rows.map(store.toEvent));
      crashpoint('after_publish_before_move');
      if (!(await store.movePosition(pool, schema, { lease, to: last }))) return;
      lease.xid = last.xid;
      lease.id = last.id;
      waitMs = pollMs;
      this.#noteSuccess();
      // In busy times one look finds the events of many commits, where each would cost as much.
      if (rows.length < store.WINDOW_COUNT) await sleep(pollMs, signal).catch(() => undefined);
    }
  }

  async #publish(events: store.RelayedEvent[]): Promise<void> {
    const { publish, publishTimeoutMs } = this.#settings;
    await deadline(publish(events), publishTimeoutMs, 'publishing');
  }

  /** Begins from the oldest event if the tables come from another server. */
  async #adoptDump(lease: Lease): Promise<void> {
    const { pool, schema, log } = this.#settings;
    if (!(await store.isFromDump(pool, schema))) return;
    let count = 0;
    for (let moved = RESTAMP_COUNT; moved > 0 && !lease.isLost; count += moved) {
      moved = await store.restampEvents(pool, schema, RESTAMP_COUNT);
    }
    if (!(await store.movePosition(pool, schema, { lease, to: START }))) lease.isLost = true;
    Object.assign(lease, START);
    log.warn(
      { schema, count },
      'the outbox was restored from a dump; all kept events go out again',
    );
  }

  /** Begins from the oldest event if the stream is not the one that the position counts for. */
  async #followStream(lease: Lease): Promise<void> {
    const { pool, schema, log, streamIdentity, publishTimeoutMs } = this.#settings;
    if (streamIdentity === undefined) return;
    const identity = await deadline(streamIdentity(), publishTimeoutMs, 'asking for the stream');
    if (identity === '') throw new Error('the stream has no identity');
    const before = lease.stream_identity;
    if (identity === before) return;
    const fromStart = before !== null;
    const { fence } = lease;
    if (!(await store.setStream(pool, schema, { fence, identity, fromStart }))) {
      lease.isLost = true;
      return;
    }
    lease.stream_identity = identity;
    if (!fromStart) return;
    Object.assign(lease, START);
    log.warn({ schema }, 'the stream was made anew; all kept events go out again');
  }

  /** Not a reason to stop publishing when it fails: the default partition takes what comes. */
  async #runUpkeep({ fence }: Lease): Promise<void> {
    const { pool, schema, retentionMs, inboxRetentionMs, log } = this.#settings;
    try {
      await makePartitions(pool, schema, { withPresent: false });
      const dropped = await dropPartitions(pool, schema, { retentionMs, fence });
      if (dropped.length > 0) log.info({ schema, dropped }, 'published events dropped');
      await sweepDefault(pool, schema, retentionMs);
      await sweepInbox(pool, schema, inboxRetentionMs);
    } catch (error) {
      log.warn({ schema, err: error }, 'the upkeep of the outbox failed');
    }
  }

  /** One line when it begins: a long outage must not fill the log. */
  #noteFailure(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const { schema, log } = this.#settings;
    log.warn({ schema, err: error }, 'events wait in the outbox; the relay tries again');
  }

  #noteSuccess(): void {
    if (!this.#isFailing) return;
    this.#isFailing = false;
    this.#nextDelayMs = backoff(RETRY);
    this.#settings.log.info({ schema: this.#settings.schema }, 'the relay works again');
  }
}

/** No transaction has the number 0. */
const START: store.Position = { xid: '0', id: '0' };
const RETRY = { firstMs: 100, maxMs: 5_000 };
const RESTAMP_COUNT = 10_000;
const LAG_COUNT_MAX = 10_000;
const HOUR_MS = 3_600_000;

const DEFAULTS = {
  retentionMs: 48 * HOUR_MS,
  inboxRetentionMs: 14 * 24 * HOUR_MS,
  pollMs: 20,
  idlePollMs: 500,
  leaseMs: 5_000,
  checkMs: 5_000,
  upkeepMs: 60_000,
  publishTimeoutMs: 30_000,
};

export type RelayOptions = {
  pool: Pool;
  schema: string;
  /** Resolves when all are stored; after a failure it is called with the same events again. */
  publish: (events: RelayedEvents) => Promise<void>;
  /** Changes when the stream is made anew, empty. Rejects while the stream cannot be asked. */
  streamIdentity?: () => Promise<string>;
  log: Pick<Logger, 'info' | 'warn'>;
  /** How long events stay after they are published. Default 48 hours. */
  retentionMs?: number;
  /** How long consumers of this schema remember events they took. Default 14 days. */
  inboxRetentionMs?: number;
  /** Between looks at the outbox while there is work, but after a full window. Default 20. */
  pollMs?: number;
  /** The same after a while without work, doubling up to this. Default 500. */
  idlePollMs?: number;
  /** After a crash another relay takes over within this time and a half. Default 5,000. */
  leaseMs?: number;
  /** Between looks at the stream's identity. Default 5,000. */
  checkMs?: number;
  /** Between rounds of making and dropping partitions. Default 60,000. */
  upkeepMs?: number;
  /** A `publish` that takes longer counts as failed. Default 30,000. */
  publishTimeoutMs?: number;
};

export type Relay = AsyncDisposable & {
  /** After a commit that enqueued events: it looks at once, or pollMs after its last find. */
  wake(): void;
  /** Events not yet published (counted up to 10,000) and the age of the oldest of them. */
  lag(): Promise<RelayLag>;
  /**
   * Publishes the kept events created in [from, to) again, published before or not, and answers
   * how many. Independent of the lease; the stream's de-duplication may swallow young ones.
   */
  replay(range: store.TimeRange): Promise<number>;
};

export type RelayLag = { count: number; oldestMs: number };

type RelayedEvents = store.RelayedEvent[];
type Settings = Omit<RelayOptions, keyof typeof DEFAULTS> & typeof DEFAULTS;
type Lease = store.LeaseRow & store.Held & { isLost: boolean; renewal: Promise<void> };
