import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import { enqueue } from './outbox.ts';
import { openPool } from './pool.ts';
import { type RelayOptions, startRelay } from './relay.ts';
import { movePosition, type RelayedEvent, selectWindow, takeLease } from './relay-store.ts';
import { countEvents, type Replay, replayEvents } from './replay.ts';
import { transaction } from './transaction.ts';

/** A schema with an outbox, and relays that note what they publish. */
async function setUp() {
  const db = await testDatabase({ schemas: { demo: [] } });
  const log = { info: vi.fn(), warn: vi.fn() };
  const pool = openPool({ url: db.url, name: 'test', log });
  return {
    db,
    pool,
    log,
    put: (...types: string[]) =>
      transaction(pool, (tx) =>
        enqueue(
          tx,
          'demo',
          types.map((type) => ({
            eventId: randomUUID(),
            subject: 'queqiao.v1.test.a.happened',
            type,
            payload: Buffer.from(type),
          })),
        ),
      ),
    start(options: Partial<RelayOptions> = {}) {
      const published: string[] = [];
      const publish = async (events: RelayedEvent[]) => {
        published.push(...events.map(({ type }) => type));
      };
      const relay = startRelay({ pool, schema: 'demo', publish, log, leaseMs: 600, ...options });
      return { ...relay, published };
    },
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const WAIT = { timeout: 15_000 };
const until = (check: () => void | Promise<void>) => vi.waitFor(check, WAIT);

describe('a relay', () => {
  it('publishes events in their order, with all their parts, and keeps them', async () => {
    await using box = await setUp();
    const seen: RelayedEvent[] = [];
    await using relay = box.start({ publish: async (events) => void seen.push(...events) });
    await box.put('one', 'two');
    await box.put('three');
    relay.wake();
    await until(() => expect(seen.map(({ type }) => type)).toEqual(['one', 'two', 'three']));
    expect(seen[0]).toEqual({
      eventId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      subject: 'queqiao.v1.test.a.happened',
      type: 'one',
      payload: Buffer.from('one'),
      createTime: expect.any(Date),
    });
    await until(async () => expect(await relay.lag()).toEqual({ count: 0, oldestMs: 0 }));
    expect(await box.db.query('select type from demo.outbox')).toHaveLength(3);
  });

  it('publishes many windows, each event once, when nothing fails', async () => {
    await using box = await setUp();
    const types = Array.from({ length: 700 }, (_, index) => `e${index}`);
    await box.put(...types);
    await using relay = box.start();
    await until(() => expect(relay.published).toHaveLength(700));
    expect(relay.published).toEqual(types);
  });

  it('does not wait for the next look when it is woken', async () => {
    await using box = await setUp();
    await using relay = box.start({ pollMs: 1e8, idlePollMs: 1e8 });
    await until(async () => {
      await box.put('one');
      relay.wake();
      expect(relay.published.length).toBeGreaterThan(0);
    });
  });

  it('publishes an event that commits late before those that came after it', async () => {
    await using box = await setUp();
    await using relay = box.start();
    await box.put('first');
    await until(() => expect(relay.published).toEqual(['first']));
    await transaction(box.pool, async (late) => {
      await late.query(`insert into demo.outbox (event_id, subject, type, payload)
        values (gen_random_uuid(), 'a', 'late', '')`);
      await box.put('early');
      relay.wake();
    });
    await until(() => expect(relay.published).toEqual(['first', 'late', 'early']));
  });

  it('tries again after a failure, in order and without loss, and logs one line', async () => {
    await using box = await setUp();
    const published: string[] = [];
    let failuresLeft = 3;
    await box.put('one', 'two');
    await using relay = box.start({
      async publish(events) {
        // Half of a window arrived before the bus went away.
        published.push(events[0]?.type ?? '');
        if (failuresLeft-- > 0) throw new Error('bus away');
        published.push(...events.slice(1).map(({ type }) => type));
      },
    });
    await until(() => expect(published.slice(-2)).toEqual(['one', 'two']));
    expect(published).toEqual(['one', 'one', 'one', 'one', 'two']);
    await until(async () => expect((await relay.lag()).count).toBe(0));
    expect(box.log.warn).toHaveBeenCalledOnce();
    await until(() => expect(box.log.info).toHaveBeenCalledWith(expect.anything(), WORKS_AGAIN));
  });

  it('gives up a publish that never ends, and tries again', async () => {
    await using box = await setUp();
    const publish = vi.fn(async () => {});
    publish.mockImplementationOnce(() => new Promise(() => {}));
    await box.put('one');
    await using _relay = box.start({ publish, publishTimeoutMs: 50 });
    await until(() => expect(publish).toHaveBeenCalledTimes(2));
  });

  it('survives the loss of all its connections', async () => {
    await using box = await setUp();
    await using relay = box.start();
    await box.put('one');
    await until(() => expect(relay.published).toEqual(['one']));
    await box.db.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'test' and datname = current_database()`);
    await until(() => box.put('two'));
    await until(() => expect(relay.published).toEqual(['one', 'two']));
  });

  it('finishes its window before it ends, and lets the next relay begin at once', async () => {
    await using box = await setUp();
    let finish = () => {};
    const publish = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await box.put('one');
    const relay = box.start({ publish, leaseMs: 1e7 });
    await until(() => expect(publish).toHaveBeenCalledOnce());
    const ended = relay[Symbol.asyncDispose]();
    finish();
    await ended;
    expect((await relay.lag()).count).toBe(0);
    await using next = box.start();
    await box.put('two');
    await until(() => expect(next.published).toEqual(['two']));
  });
});

const WORKS_AGAIN = 'the relay works again';

describe('the lease', () => {
  it('is held by one relay at a time; another takes over when it ends', async () => {
    await using box = await setUp();
    const one = box.start();
    await box.put('a');
    await until(() => expect(one.published).toEqual(['a']));
    await using two = box.start();
    await box.put('b');
    await until(() => expect(one.published).toEqual(['a', 'b']));
    expect(two.published).toEqual([]);
    await one[Symbol.asyncDispose]();
    await box.put('c');
    await until(() => expect(two.published).toEqual(['c']));
    expect(one.published).toEqual(['a', 'b']);
  });

  it('is kept while a publish takes longer than it lasts', async () => {
    await using box = await setUp();
    let finish = () => {};
    const publish = vi.fn(
      () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    );
    await box.put('one');
    await using slow = box.start({ publish, leaseMs: 300 });
    await until(() => expect(publish).toHaveBeenCalledOnce());
    const leaseEnd = () => box.db.query('select fence, lease_end_time from demo.outbox_position');
    const [before] = await leaseEnd();
    await using other = box.start({ leaseMs: 300 });
    await until(async () => {
      const renewed = await box.db.query(
        `select from demo.outbox_position where fence = $1
           and lease_end_time > $2::timestamptz + interval '300 ms'`,
        [before?.['fence'], before?.['lease_end_time']],
      );
      expect(renewed).toHaveLength(1);
    });
    finish();
    await until(async () => expect((await slow.lag()).count).toBe(0));
    expect(other.published).toEqual([]);
  });

  it('when lost, keeps its former holder from moving the position; the fence does it', async () => {
    await using box = await setUp();
    await box.put('one');
    await box.put('two');
    const rows = await vi.waitFor(async () => {
      const found = await selectWindow(box.pool, 'demo', { xid: '0', id: '0' });
      expect(found).toHaveLength(2);
      return found as [RowOf, RowOf];
    }, WAIT);
    const former = await takeLease(box.pool, 'demo', 1e7);
    expect(await takeLease(box.pool, 'demo', 1e7)).toBeUndefined();
    await box.db.query(`update demo.outbox_position set lease_end_time = '-infinity'`);
    const present = await takeLease(box.pool, 'demo', 1e7);
    const move = (fence: string, to: RowOf) =>
      movePosition(box.pool, 'demo', { lease: { fence, leaseMs: 1e7 }, to });
    expect(await move(present?.fence ?? '', rows[1])).toBe(true);

    // The former holder wakes up with the window that it was about to finish.
    expect(await move(former?.fence ?? '', rows[0])).toBe(false);
    const position = 'select id from demo.outbox_position';
    expect(await box.db.query(position)).toEqual([{ id: rows[1].id }]);

    const twin = 'update demo.outbox_position set xid = $1::xid8, id = $2';
    await box.db.query(twin, [rows[0].xid, rows[0].id]);
    expect(await box.db.query(position)).toEqual([{ id: rows[0].id }]);
  });
});

type RowOf = Awaited<ReturnType<typeof selectWindow>>[number];

describe('a relay whose position no longer counts', () => {
  it('begins again from the oldest event when the tables were restored from a dump', async () => {
    await using box = await setUp();
    {
      await using relay = box.start();
      await box.put('one', 'two');
      await box.put('three');
      await until(async () => expect((await relay.lag()).count).toBe(0));
    }
    // What a dump brings to a server whose transactions have not come so far.
    const far = `((xid::text)::int8 + 1000000000)::text::xid8`;
    await box.db.query(`update demo.outbox set xid = ${far}`);
    await box.db.query(`update demo.outbox_position set xid = ${far}`);
    await box.put('four');

    // The twin believes the position, and finds nothing for a thousand million transactions.
    const [position] = await box.db.query<{ xid: string; id: string }>(
      'select xid::text as xid, id from demo.outbox_position',
    );
    const twin = await selectWindow(box.pool, 'demo', position ?? { xid: '', id: '' });
    expect(twin).toEqual([]);

    await using relay = box.start();
    await until(() => expect(relay.published).toHaveLength(4));
    const kept = relay.published.filter((type) => type !== 'four');
    expect(kept).toEqual(['one', 'two', 'three']);
    await box.put('five');
    await until(() => expect(relay.published.at(-1)).toBe('five'));
    await until(async () => expect((await relay.lag()).count).toBe(0));
  });

  it('begins again from the oldest event when the stream was made anew', async () => {
    await using box = await setUp();
    let identity = 'made at noon';
    const streamIdentity = async () => identity;
    const relay = box.start({ streamIdentity, checkMs: 20 });
    await box.put('one', 'two');
    await until(() => expect(relay.published).toEqual(['one', 'two']));
    identity = 'made at one';
    await until(() => expect(relay.published).toEqual(['one', 'two', 'one', 'two']));
    await relay[Symbol.asyncDispose]();

    // Also while no relay runs.
    identity = 'made at two';
    await using next = box.start({ streamIdentity });
    await until(() => expect(next.published).toEqual(['one', 'two']));
  });

  it('does not begin again when the stream is the same, or first known', async () => {
    await using box = await setUp();
    const one = box.start();
    await box.put('one');
    await until(() => expect(one.published).toEqual(['one']));
    await one[Symbol.asyncDispose]();
    const two = box.start({ streamIdentity: async () => 'made at noon' });
    await box.put('two');
    await until(() => expect(two.published).toEqual(['two']));
    await two[Symbol.asyncDispose]();
    await using three = box.start({ streamIdentity: async () => 'made at noon' });
    await box.put('three');
    await until(() => expect(three.published).toEqual(['three']));
  });

  it('publishes nothing while nobody knows the stream', async () => {
    await using box = await setUp();
    const streamIdentity = vi.fn(async () => 'made at noon');
    streamIdentity.mockRejectedValueOnce(new Error('bus away'));
    streamIdentity.mockResolvedValueOnce('');
    await box.put('one');
    await using relay = box.start({ streamIdentity });
    await until(() => expect(streamIdentity.mock.calls.length).toBeGreaterThanOrEqual(2));
    await until(() => expect(relay.published).toEqual(['one']));
    expect(streamIdentity.mock.calls.length).toBeGreaterThanOrEqual(3);
  });
});

describe('replay', () => {
  it('publishes the events of a time range again, whatever the position', async () => {
    await using box = await setUp();
    // The upkeep must not sweep what this test makes old.
    await using relay = box.start({ retentionMs: 1e13 });
    await box.put(...Array.from({ length: 300 }, (_, index) => `e${index}`));
    await until(() => expect(relay.published).toHaveLength(300));
    await box.db.query(`update demo.outbox set create_time = '2020-01-01 00:00Z'
      where type in ('e7', 'e8')`);
    const from = new Date('2020-01-01T00:00:00Z');
    const old = { from, to: new Date('2020-01-01T00:00:01Z') };
    expect(await relay.replay(old)).toBe(2);
    expect(relay.published.slice(300)).toEqual(['e7', 'e8']);
    expect(await relay.replay({ from, to: from })).toBe(0);
    expect(await relay.replay({ from, to: new Date('2100-01-01') })).toBe(300);
    expect(new Set(relay.published.slice(302)).size).toBe(300);
  });

  it('goes on after a mark, and may be told which events', async () => {
    await using box = await setUp();
    await box.put(...Array.from({ length: 600 }, (_, index) => `e${index}`));
    const published: string[] = [];
    const source = {
      pool: box.pool,
      schema: 'demo',
      publish: async (events: RelayedEvent[]) => void published.push(...events.map((e) => e.type)),
    };
    const all = { from: new Date(0), to: new Date('2100-01-01') };
    const marks: Replay[] = [];
    const whole = await replayEvents(source, all, { onProgress: (done) => void marks.push(done) });
    expect(whole).toEqual(marks.at(-1));
    expect(marks.map(({ count }) => count)).toEqual([256, 512, 600]);
    const [first] = marks;
    expect(await countEvents(source, all, first?.mark)).toBe(344);
    expect((await replayEvents(source, all, { after: first?.mark })).count).toBe(344);
    expect(published.slice(600)).toEqual(published.slice(256, 600));
    const [{ event_id } = { event_id: '' }] = await box.db.query<{ event_id: string }>(
      `select event_id from demo.outbox where type = 'e599'`,
    );
    const one = await replayEvents(source, all, { only: (id) => id === event_id });
    expect([one.count, published.at(-1)]).toEqual([1, 'e599']);
  });
});
