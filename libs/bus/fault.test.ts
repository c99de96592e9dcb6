import { nanos } from '@nats-io/transport-node';
import { describe, expect, it, vi } from 'vitest';
import { startTestNats, type TestNats } from '#test/support/nats';
import { consuming, eventsOf, type LoggedBus, openBus, openJetStream } from './fixture.ts';
import type { OutgoingEvent } from './index.ts';

const SOON = { timeout: 50_000, interval: 10 };
const STREAM = 'QUEQIAO_WAYBILL';

describe('a server killed while events are published', () => {
  it('loses and doubles nothing where the caller repeats and an inbox is kept', async () => {
    await using nats = await startTestNats();
    await using bus = openBus(nats.url);
    const events = eventsOf('zto', 20_000);
    const { inbox } = consume(bus);
    await publishThroughKill({ nats, bus, events, hasBegun: () => inbox.size > 100 });
    await vi.waitFor(() => expect(inbox.size).toBe(events.length), SOON);
    expect(inbox).toEqual(new Set(events.map(({ eventId }) => eventId)));
    await using js = await openJetStream(nats.url);
    // What had arrived before the kill was sent again, and dropped by its id.
    expect(await js.storedCount(STREAM)).toBe(events.length);
  });

  it('the check bites: without ids at the server, what has no inbox doubles', async () => {
    await using nats = await startTestNats();
    await using bus = openBus(nats.url);
    const events = eventsOf('zto', 2_000);
    const { inbox, effects } = consume(bus);
    await bus.whenConnected();
    await bus.publish(events);
    await vi.waitFor(() => expect(inbox.size).toBe(events.length), SOON);
    await using js = await openJetStream(nats.url);
    // As after an outage longer than the window in which the server remembers ids.
    await js.manager.streams.update(STREAM, { duplicate_window: nanos(100) });
    await vi.waitFor(async () => {
      await bus.publish(events.slice(0, 1));
      expect(await js.storedCount(STREAM)).toBeGreaterThan(events.length);
    }, SOON);
    await bus.publish(events);
    await vi.waitFor(() => expect(effects.length).toBeGreaterThan(1.5 * events.length), SOON);
    expect(inbox.size).toBe(events.length);
  });
});

/** Publishes all, kills the server in the middle, and repeats until all are acknowledged. */
async function publishThroughKill({ nats, bus, events, hasBegun }: Killing): Promise<void> {
  await bus.whenConnected();
  const publishing = bus.publish(events);
  const outcome = publishing.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.waitFor(() => expect(hasBegun()).toBe(true), SOON);
  await nats.kill();
  expect(await outcome).toMatchObject({ reason: 'DEPENDENCY_DOWN' });
  await nats.start();
  await vi.waitFor(() => bus.publish(events), SOON);
}

/** Effects as a consumer has them without an inbox, and the inbox of one that keeps it. */
function consume(bus: LoggedBus): { inbox: Set<string>; effects: string[] } {
  const inbox = new Set<string>();
  const effects: string[] = [];
  const handle = async ({ eventId }: { eventId: string }) => {
    effects.push(eventId);
    inbox.add(eventId);
  };
  bus.consume(consuming({ handle }));
  return { inbox, effects };
}

type Killing = {
  nats: TestNats;
  bus: LoggedBus;
  events: OutgoingEvent[];
  hasBegun: () => boolean;
};
