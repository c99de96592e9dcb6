import { AckPolicy, jetstream } from '@nats-io/jetstream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RpcError } from '#libs/errors';
import { startTestNats, type TestNats } from '#test/support/nats';
import { consuming, eventsOf, numberOf, openBus, openJetStream } from './fixture.ts';
import type { BusEvent } from './index.ts';

const SOON = { timeout: 25_000, interval: 10 };
const STREAM = 'QUEQIAO_WAYBILL';

describe('a consumer', () => {
  let nats: TestNats;
  beforeEach(async () => {
    nats = await startTestNats();
  });
  afterEach(() => nats[Symbol.asyncDispose]());

  it('shares its events with other processes of its name, each handled by one', async () => {
    await using one = openBus(nats.url);
    await using two = openBus(nats.url);
    const got: [number[], number[]] = [[], []];
    one.consume(
      consuming({ prefetch: 8, handle: async (event) => void got[0].push(numberOf(event)) }),
    );
    two.consume(
      consuming({ prefetch: 8, handle: async (event) => void got[1].push(numberOf(event)) }),
    );
    await one.whenConnected();
    const all = Array.from({ length: 500 }, (_, index) => index);
    await one.publish(eventsOf('zto', 500));
    await vi.waitFor(() => expect(got.flat().sort((a, b) => a - b)).toEqual(all), SOON);
  });

  it('gets what was published before it was made and while it was away', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 2));
    const got: number[] = [];
    const handle = async (event: BusEvent) => void got.push(numberOf(event));
    const first = bus.consume(consuming({ handle }));
    await vi.waitFor(() => expect(got).toEqual([0, 1]), SOON);
    await first[Symbol.asyncDispose]();
    await bus.publish(eventsOf('zto', 3));
    bus.consume(consuming({ handle }));
    await vi.waitFor(() => expect(got).toEqual([0, 1, 0, 1, 2]), SOON);
  });

  it('survives a restart and a kill of the server', async () => {
    await using bus = openBus(nats.url);
    const got = new Set<number>();
    bus.consume(consuming({ handle: async (event) => void got.add(numberOf(event)) }));
    await bus.whenConnected();
    const all = eventsOf('zto', 30);
    await bus.publish(all.slice(0, 10));
    await vi.waitFor(() => expect(got.size).toBe(10), SOON);
    await nats.stop();
    await nats.start();
    await vi.waitFor(() => bus.publish(all.slice(10, 20)), SOON);
    await vi.waitFor(() => expect(got.size).toBe(20), SOON);
    await nats.kill();
    await nats.start();
    await vi.waitFor(() => bus.publish(all.slice(20)), SOON);
    await vi.waitFor(() => expect(got.size).toBe(30), SOON);
  });

  it('survives the loss of itself, of its stream and of the whole store', async () => {
    await using bus = openBus(nats.url);
    const got: number[] = [];
    bus.consume(consuming({ handle: async (event) => void got.push(numberOf(event)) }));
    await bus.whenConnected();
    await bus.publish(eventsOf('a1', 1));
    await vi.waitFor(() => expect(got).toHaveLength(1), SOON);
    {
      await using js = await openJetStream(nats.url);
      await js.manager.consumers.delete(STREAM, 'test');
      // Made anew it sees all that the stream keeps; the inbox of its owner drops the repeat.
      await vi.waitFor(() => expect(got).toHaveLength(2), SOON);
      await js.manager.streams.delete(STREAM);
    }
    await vi.waitFor(() => bus.publish(eventsOf('a2', 1)), SOON);
    await vi.waitFor(() => expect(got).toHaveLength(3), SOON);
    await nats.kill();
    await nats.loseStore();
    await nats.start();
    await vi.waitFor(() => bus.publish(eventsOf('a3', 1)), SOON);
    await vi.waitFor(() => expect(got).toHaveLength(4), SOON);
  });

  it('does not answer for an event of a lost stream when a new one has its place', async () => {
    await using bus = openBus(nats.url);
    const got: string[] = [];
    using released = deferred();
    const handle = async ({ subject, deliveryCount }: BusEvent) => {
      const courierId = subject.split('.')[3] ?? '';
      got.push(courierId);
      if (courierId === 'old') await released.promise;
      // Would never come again, had the late answer for the old event been taken for this one.
      if (courierId === 'new' && deliveryCount === 1) throw new Error('not yet');
    };
    bus.consume(consuming({ ackWaitMs: 60_000, handle }));
    await bus.whenConnected();
    await bus.publish(eventsOf('old', 1));
    await vi.waitFor(() => expect(got).toEqual(['old']), SOON);
    await using js = await openJetStream(nats.url);
    await js.manager.streams.delete(STREAM);
    await vi.waitFor(() => bus.publish(eventsOf('new', 1)), SOON);
    await vi.waitFor(async () => {
      expect((await js.manager.consumers.info(STREAM, 'test')).num_ack_pending).toBe(1);
    }, SOON);
    released.resolve();
    await vi.waitFor(() => expect(got).toEqual(['old', 'new', 'new']), SOON);
    await settled(nats);
  });

  it('takes over a changed filter and time limit', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const first = bus.consume(consuming({ filter: 'queqiao.v1.waybill.zto.issued' }));
    await using js = await openJetStream(nats.url);
    const info = () => js.manager.consumers.info(STREAM, 'test');
    await vi.waitFor(info, SOON);
    await first[Symbol.asyncDispose]();
    const got: string[] = [];
    const handle = async ({ subject }: BusEvent) => void got.push(subject);
    bus.consume(consuming({ filter: 'queqiao.v1.waybill.sf.issued', ackWaitMs: 5_000, handle }));
    await bus.publish([...eventsOf('zto', 1), ...eventsOf('sf', 1)]);
    await vi.waitFor(() => expect(got).toEqual(['queqiao.v1.waybill.sf.issued']), SOON);
    expect((await info()).config).toMatchObject({ ack_wait: 5e9, max_ack_pending: 1000 });
  });

  it('gives a poisonous event up after maxDeliver and goes on with others', async () => {
    await using bus = openBus(nats.url);
    const done: number[] = [];
    const failed: number[] = [];
    const dead: [BusEvent, unknown][] = [];
    bus.consume(
      consuming({
        maxDeliver: 4,
        handle: async (event) => {
          if (numberOf(event) !== 1) return void done.push(numberOf(event));
          failed.push(event.deliveryCount);
          throw new Error('poison');
        },
        deadLetter: async (event, error) => void dead.push([event, error]),
      }),
    );
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 5));
    await vi.waitFor(() => expect(dead).toHaveLength(1), SOON);
    expect(failed).toEqual([1, 2, 3, 4]);
    expect(done).toEqual([0, 2, 3, 4]);
    expect(dead[0]?.[0]).toMatchObject({ deliveryCount: 4, payload: Buffer.from('1') });
    expect(String(dead[0]?.[1])).toBe('Error: poison');
    await settled(nats);
  });

  it('keeps a poisonous event until the dead letter is stored', async () => {
    await using bus = openBus(nats.url);
    let tries = 0;
    bus.consume(
      consuming({
        maxDeliver: 1,
        handle: () => Promise.reject(new Error('poison')),
        deadLetter: async () => {
          tries += 1;
          if (tries < 3) throw new Error('no place');
        },
      }),
    );
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 1));
    await settled(nats);
    expect(tries).toBe(3);
  });

  it('gives a message that is no event to the dead letters at once', async () => {
    await using bus = openBus(nats.url);
    const dead: BusEvent[] = [];
    const handle = vi.fn(async () => {});
    bus.consume(consuming({ handle, deadLetter: async (event) => void dead.push(event) }));
    await bus.whenConnected();
    await using js = await openJetStream(nats.url);
    js.connection.publish('queqiao.v1.waybill.zto.issued', 'hello');
    await vi.waitFor(() => expect(dead).toHaveLength(1), SOON);
    expect(dead[0]).toMatchObject({ eventId: `${STREAM}:1`, type: '', deliveryCount: 1 });
    expect(handle).not.toHaveBeenCalled();
  });

  it('waits for a dependency that is away, without counting it against the event', async () => {
    await using bus = openBus(nats.url);
    let calls = 0;
    const counts = new Set<number>();
    bus.consume(
      consuming({
        maxDeliver: 2,
        handle: async ({ deliveryCount }) => {
          counts.add(deliveryCount);
          calls += 1;
          if (calls <= 10) throw new RpcError('DEPENDENCY_DOWN');
        },
      }),
    );
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 1));
    await settled(nats);
    expect(calls).toBe(11);
    expect([...counts]).toEqual([1]);
    const said = bus.lines.filter((line) => line.includes('waits for a dependency'));
    expect(said).toHaveLength(1);
  });

  it('keeps an event, and those waiting behind it, longer than the server would wait', async () => {
    await using one = openBus(nats.url);
    await using two = openBus(nats.url);
    const got: [number, number][] = [];
    using released = deferred();
    const handle = async (event: BusEvent) => {
      got.push([numberOf(event), event.deliveryCount]);
      await released.promise;
    };
    one.consume(consuming({ ackWaitMs: 300, handle }));
    await one.whenConnected();
    await one.publish(eventsOf('zto', 3));
    await vi.waitFor(() => expect(got).toEqual([[0, 1]]), SOON);
    // Whatever the server gives up on comes here.
    const stolen: number[] = [];
    two.consume(
      consuming({ ackWaitMs: 300, handle: async (event) => void stolen.push(numberOf(event)) }),
    );
    await using js = await openJetStream(nats.url);
    // The check bites: in the same while, one that is silent loses its events three times over.
    const ack_wait = 300e6;
    const silent = { durable_name: 'silent', ack_policy: AckPolicy.Explicit, ack_wait };
    await js.manager.consumers.add(STREAM, silent);
    const losing = await jetstream(js.connection).consumers.get(STREAM, 'silent');
    for await (const message of await losing.consume()) {
      if (message.info.deliveryCount === 4) break;
    }
    expect((await js.manager.consumers.info(STREAM, 'test')).num_waiting).toBe(2);
    expect(stolen).toEqual([]);
    released.resolve();
    await vi.waitFor(
      () =>
        expect(got).toEqual([
          [0, 1],
          [1, 1],
          [2, 1],
        ]),
      SOON,
    );
    await settled(nats);
  });

  it('finishes what is in hand when it ends, and gives back the rest at once', async () => {
    await using bus = openBus(nats.url);
    const begun: number[] = [];
    const finished: number[] = [];
    using released = deferred();
    const consumer = bus.consume(
      consuming({
        ackWaitMs: 60_000,
        concurrency: 2,
        handle: async (event) => {
          begun.push(numberOf(event));
          await released.promise;
          finished.push(numberOf(event));
        },
      }),
    );
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 10));
    await vi.waitFor(() => expect(begun).toEqual([0, 1]), SOON);
    let isEnded = false;
    const ended = consumer[Symbol.asyncDispose]().then(() => {
      isEnded = true;
    });
    // The next process has the rest long before ack_wait, while this one still works.
    await using other = openBus(nats.url);
    const got: number[] = [];
    other.consume(
      consuming({ ackWaitMs: 60_000, handle: async (event) => void got.push(numberOf(event)) }),
    );
    await vi.waitFor(() => expect([...got].sort()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]), SOON);
    expect(isEnded).toBe(false);
    released.resolve();
    await ended;
    expect(finished).toEqual([0, 1]);
    expect(begun).toEqual([0, 1]);
    await settled(nats);
  });

  it('leaves nothing between server and process when it ends under load', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const got: number[] = [];
    const handle = async (event: BusEvent) => void got.push(numberOf(event));
    const options = consuming({ ackWaitMs: 60_000, handle });
    await bus.publish(eventsOf('zto', 5_000));
    while (new Set(got).size < 5_000) {
      const consumer = bus.consume(options);
      const before = got.length;
      await vi.waitFor(() => expect(got.length).toBeGreaterThan(before), SOON);
      await consumer[Symbol.asyncDispose]();
    }
    // None came twice, so no answer was lost; none waits for ack_wait.
    expect(got).toHaveLength(5_000);
    await settled(nats);
  });

  it('ends with the bus, which finishes what is in hand', async () => {
    const bus = openBus(nats.url);
    const finished: number[] = [];
    using released = deferred();
    using begun = deferred();
    bus.consume(
      consuming({
        handle: async (event) => {
          begun.resolve();
          await released.promise;
          finished.push(numberOf(event));
        },
      }),
    );
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 1));
    await begun.promise;
    const ended = bus[Symbol.asyncDispose]();
    released.resolve();
    await ended;
    expect(finished).toEqual([0]);
    await settled(nats);
  });
});

/** Waits until the server has an answer for every event. */
async function settled(nats: TestNats): Promise<void> {
  await using js = await openJetStream(nats.url);
  await vi.waitFor(async () => {
    const { num_ack_pending, num_pending } = await js.manager.consumers.info(STREAM, 'test');
    expect({ num_ack_pending, num_pending }).toEqual({ num_ack_pending: 0, num_pending: 0 });
  }, SOON);
}

/** Resolved at the latest when it goes out of scope, so that a failed test does not hang. */
function deferred(): Disposable & { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve, [Symbol.dispose]: resolve };
}
