import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestNats, type TestNats } from '#test/support/nats';
import { openBus, openJetStream } from './fixture.ts';
import { type Bus, type BusEvent, type OutgoingEvent, subjects } from './index.ts';

const SOON = { timeout: 25_000, interval: 10 };
const STREAM = 'QUEQIAO_NETWORK';
const RESET = 'reset';

describe('a watcher', () => {
  let nats: TestNats;
  beforeEach(async () => {
    nats = await startTestNats();
  });
  afterEach(() => nats[Symbol.asyncDispose]());

  it('of every process sees every event from now on, and none from before', async () => {
    await using one = openBus(nats.url);
    await using two = openBus(nats.url);
    await one.whenConnected();
    await one.publish([changed('before')]);
    const seen = [watch(one), watch(two), watch(two)];
    for (const each of seen) await vi.waitFor(() => expect(each).toEqual([RESET]), SOON);
    const ids = Array.from({ length: 600 }, (_, index) => `m${index}`);
    await one.publish(ids.map(changed));
    for (const each of seen) await vi.waitFor(() => expect(each).toEqual([RESET, ...ids]), SOON);
  });

  it('is told to forget after every gap, before the events that follow', async () => {
    await using bus = openBus(nats.url);
    const seen = watch(bus);
    const sent: string[] = [];
    // A connection made while the server comes up may be lost once more, with one more reset before
    // an event or instead of it: then the next one counts.
    const send = (id: string) =>
      vi.waitFor(async () => {
        await bus.publish([changed(id)]);
        sent.push(id);
        await vi.waitFor(() => expect(seen.at(-1)).toBe(id), { timeout: 5_000, interval: 10 });
      }, SOON);
    await vi.waitFor(() => expect(seen).toEqual([RESET]), SOON);
    await nats.stop();
    await nats.start();
    await vi.waitFor(() => expect(seen.slice(1)).toContain(RESET), SOON);
    await send('a');
    await nats.kill();
    await nats.loseStore();
    await nats.start();
    await vi.waitFor(() => expect(seen.slice(seen.lastIndexOf('a'))).toContain(RESET), SOON);
    await send('b');
    // Each at most once, in order; without a reset none is missing.
    const events = seen.filter((each) => each !== RESET);
    const countOf = (ids: string[], id: string) => ids.filter((each) => each === id).length;
    expect(events).toEqual(events.toSorted());
    for (const id of ['a', 'b']) expect(countOf(events, id)).toBeLessThanOrEqual(countOf(sent, id));
    const resets = seen.length - events.length;
    if (resets === 3) expect(events).toEqual(sent);
  });

  it('begins when a server that was away arrives', async () => {
    await nats.stop();
    await using bus = openBus(nats.url);
    const seen = watch(bus);
    await vi.waitFor(() => expect(bus.lines.join('')).toContain('NATS is away'), SOON);
    expect(seen).toEqual([]);
    await nats.start();
    await vi.waitFor(() => expect(seen).toEqual([RESET]), SOON);
  });

  it('survives the loss of its consumer and of its stream', async () => {
    await using bus = openBus(nats.url);
    const seen = watch(bus);
    await vi.waitFor(() => expect(seen).toEqual([RESET]), SOON);
    await using js = await openJetStream(nats.url);
    for await (const { name } of js.manager.consumers.list(STREAM)) {
      await js.manager.consumers.delete(STREAM, name);
    }
    await vi.waitFor(() => expect(seen).toEqual([RESET, RESET]), SOON);
    await js.manager.streams.delete(STREAM);
    await vi.waitFor(() => expect(seen).toEqual([RESET, RESET, RESET]), SOON);
    await bus.publish([changed('a')]);
    await vi.waitFor(() => expect(seen.at(-1)).toBe('a'), SOON);
  });

  it('is told to forget when its handler fails, and goes on', async () => {
    await using bus = openBus(nats.url);
    const seen: string[] = [];
    bus.watch({
      filter: subjects.networkChanged('*'),
      handle: async (event) => {
        if (idOf(event) === 'bad') throw new Error('cannot read');
        seen.push(idOf(event));
      },
      onReset: () => void seen.push(RESET),
    });
    await vi.waitFor(() => expect(seen).toEqual([RESET]), SOON);
    await bus.publish([changed('a')]);
    await bus.publish([changed('bad')]);
    await bus.publish([changed('b')]);
    await vi.waitFor(() => expect(seen).toEqual([RESET, 'a', RESET, 'b']), SOON);
  });

  it('ends without leaving a consumer behind', async () => {
    await using bus = openBus(nats.url);
    const seen: string[] = [];
    const watching = bus.watch({
      filter: subjects.networkChanged('*'),
      handle: (event) => void seen.push(idOf(event)),
      onReset: () => void seen.push(RESET),
    });
    await vi.waitFor(() => expect(seen).toEqual([RESET]), SOON);
    await using js = await openJetStream(nats.url);
    expect((await js.manager.streams.info(STREAM)).state.consumer_count).toBe(1);
    await watching[Symbol.asyncDispose]();
    expect((await js.manager.streams.info(STREAM)).state.consumer_count).toBe(0);
    await bus.publish([changed('late')]);
    expect(seen).toEqual([RESET]);
  });
});

/** What a watcher is told, in order. */
function watch(bus: Bus): string[] {
  const seen: string[] = [];
  bus.watch({
    filter: subjects.networkChanged('merchant'),
    handle: (event) => void seen.push(idOf(event)),
    onReset: () => void seen.push(RESET),
  });
  return seen;
}

function changed(id: string): OutgoingEvent {
  return {
    eventId: randomUUID(),
    subject: subjects.networkChanged('merchant'),
    type: 'queqiao.network.v1.ResourceChanged',
    payload: Buffer.from(id),
  };
}

function idOf({ payload }: BusEvent): string {
  return Buffer.from(payload).toString();
}
