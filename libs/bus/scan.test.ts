import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestNats, type TestNats } from '#test/support/nats';
import { eventsOf, numberOf, openBus, openJetStream } from './fixture.ts';
import type { Bus, BusEvent } from './index.ts';

const STREAM = 'QUEQIAO_WAYBILL';

describe('a scan of a stream', () => {
  let nats: TestNats;
  let bus: Bus;
  beforeEach(async () => {
    nats = await startTestNats();
    bus = openBus(nats.url);
    await bus.whenConnected();
  });
  afterEach(async () => {
    await bus[Symbol.asyncDispose]();
    await nats[Symbol.asyncDispose]();
  });

  it('reads every event once, in order, and leaves nothing behind', async () => {
    const events = eventsOf('zto', 5_000);
    await bus.publish(events);
    const read = await scan();
    expect(read.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId));
    expect(read.map(numberOf)).toEqual(events.map(numberOf));
    await using js = await openJetStream(nats.url);
    expect(await js.manager.consumers.list(STREAM).next()).toEqual([]);
  });

  it('ends at once for an empty stream, and where the newest events were deleted', async () => {
    expect(await scan()).toEqual([]);
    await bus.publish(eventsOf('zto', 10));
    await using js = await openJetStream(nats.url);
    await js.manager.streams.deleteMessage(STREAM, 10);
    await js.manager.streams.deleteMessage(STREAM, 4);
    expect((await scan()).map(numberOf)).toEqual([0, 1, 2, 4, 5, 6, 7, 8]);
  });

  it('ends although others publish on', async () => {
    await bus.publish(eventsOf('zto', 100));
    let isOver = false;
    const publishing = (async () => {
      while (!isOver) await bus.publish(eventsOf('sto', 20));
    })();
    expect((await scan()).length).toBeGreaterThanOrEqual(100);
    isOver = true;
    await publishing;
  });

  it('fails when NATS goes away in the middle, and when there is none', async () => {
    await bus.publish(eventsOf('zto', 20_000));
    const away = (async () => {
      for await (const event of bus.scan(STREAM)) {
        if (numberOf(event) === 10) await nats.kill();
      }
    })();
    await expect(away).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    await expect(scan()).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
  });

  it('may be left early', async () => {
    await bus.publish(eventsOf('zto', 3_000));
    for await (const event of bus.scan(STREAM)) if (numberOf(event) === 5) break;
    expect(await scan()).toHaveLength(3_000);
  });

  async function scan(): Promise<BusEvent[]> {
    const read: BusEvent[] = [];
    for await (const event of bus.scan(STREAM)) read.push(event);
    return read;
  }
});

describe('publishing', () => {
  it('tells how many the stream dropped as repeats', async () => {
    await using nats = await startTestNats();
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const events = eventsOf('zto', 30);
    expect(await bus.publish(events)).toBe(0);
    expect(await bus.publish([...events.slice(0, 10), ...eventsOf('zto', 5)])).toBe(10);
    expect(await bus.publish([])).toBe(0);
  });
});
