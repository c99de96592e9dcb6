import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  type TextMapPropagator,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTestNats, type TestNats } from '#test/support/nats';
import { consuming, eventsOf, ISSUED, numberOf, openBus, openJetStream } from './fixture.ts';
import { type BusEvent, MESSAGE_BYTES_MAX, subjects } from './index.ts';

const SOON = { timeout: 15_000, interval: 10 };
const STREAM = 'QUEQIAO_WAYBILL';

describe('publishing', () => {
  let nats: TestNats;
  beforeEach(async () => {
    nats = await startTestNats();
  });
  afterEach(() => nats[Symbol.asyncDispose]());

  it('hands every event to a consumer, in order and as it was sent', async () => {
    await using bus = openBus(nats.url);
    const got: BusEvent[] = [];
    bus.consume(consuming({ handle: async (event) => void got.push(event) }));
    await bus.whenConnected();
    const events = eventsOf('zto', 1000);
    const before = Date.now();
    await bus.publish(events);
    await vi.waitFor(() => expect(got).toHaveLength(1000), SOON);
    expect(got.map(({ eventId }) => eventId)).toEqual(events.map(({ eventId }) => eventId));
    expect(got.map(numberOf)).toEqual(events.map(numberOf));
    const [first] = got;
    expect(first).toMatchObject({ subject: subjects.waybillIssued('zto'), type: ISSUED });
    expect(first?.deliveryCount).toBe(1);
    expect(first?.time.getTime()).toBeGreaterThanOrEqual(before);
  });

  it('gives a consumer only what its filter names', async () => {
    await using bus = openBus(nats.url);
    const got: string[] = [];
    const filter = subjects.waybillIssued('zto');
    bus.consume(consuming({ filter, handle: async ({ subject }) => void got.push(subject) }));
    await bus.whenConnected();
    await bus.publish([...eventsOf('sf', 3), ...eventsOf('zto', 2), ...eventsOf('jd', 3)]);
    await vi.waitFor(() => expect(got).toEqual([filter, filter]), SOON);
  });

  it('stores a repeated event once', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const events = eventsOf('zto', 50);
    await bus.publish(events);
    await bus.publish([...events].reverse());
    await bus.publish([events[0], events[0], ...events].flatMap((event) => event ?? []));
    await using js = await openJetStream(nats.url);
    expect(await js.storedCount(STREAM)).toBe(50);
    // The check bites: the same contents under new ids are stored again.
    await bus.publish(eventsOf('zto', 50));
    expect(await js.storedCount(STREAM)).toBe(100);
  });

  it('carries CloudEvents attributes as headers', async () => {
    await using bus = openBus(nats.url, { name: 'waybill' });
    await bus.whenConnected();
    const time = new Date('2026-11-11T00:00:00.123Z');
    const [event] = eventsOf('zto', 1).map((each) => ({ ...each, time }));
    await bus.publish(event ? [event] : []);
    await using js = await openJetStream(nats.url);
    const stored = await js.manager.streams.getMessage(STREAM, { seq: 1 });
    const sent = Object.fromEntries(
      [...(stored?.header ?? [])].map(([key, [value]]) => [key, value]),
    );
    expect(sent).toEqual({
      'Nats-Msg-Id': event?.eventId,
      'ce-specversion': '1.0',
      'ce-id': event?.eventId,
      'ce-type': ISSUED,
      'ce-source': '/queqiao/waybill',
      'ce-time': '2026-11-11T00:00:00.123Z',
    });
  });

  it('carries the trace of the publisher to the handler', async () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    using _tracing = tracing();
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const seen: unknown[] = [];
    const handle = async () => void seen.push(trace.getSpanContext(context.active())?.traceId);
    const traced = propagation.extract(ROOT_CONTEXT, { traceparent: parent });
    await context.with(traced, () => bus.publish(eventsOf('zto', 1)));
    bus.consume(consuming({ handle }));
    await vi.waitFor(() => expect(seen).toEqual(['0af7651916cd43dd8448eb211c80319c']), SOON);
    await using js = await openJetStream(nats.url);
    const stored = await js.manager.streams.getMessage(STREAM, { seq: 1 });
    expect(stored?.header.get('traceparent')).toBe(parent);
  });

  it('sends nothing when one payload is too large, and takes the largest', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const [small, large] = eventsOf('zto', 2);
    if (!small || !large) throw new Error('two events were made');
    large.payload = Buffer.alloc(MESSAGE_BYTES_MAX + 1);
    await expect(bus.publish([small, large])).rejects.toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      metadata: { limit: 'event_payload_bytes', given: '1044481', allowed: '1044480' },
    });
    await using js = await openJetStream(nats.url);
    expect(await js.storedCount(STREAM)).toBe(0);
    large.payload = Buffer.alloc(MESSAGE_BYTES_MAX);
    await bus.publish([small, large]);
    expect(await js.storedCount(STREAM)).toBe(2);
  });

  it('refuses what could never be delivered as an event', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const [event] = eventsOf('zto', 1);
    if (!event) throw new Error('one event was made');
    for (const wrong of [
      { subject: 'queqiao.v1.waybill.*.issued' },
      { subject: 'queqiao.v1.waybill.>' },
      { subject: 'queqiao.v1.waybill..issued' },
      { subject: 'queqiao.v1.nowhere.zto.issued' },
      { eventId: '' },
      { eventId: 'a\r\nb' },
      { type: '' },
    ]) {
      await expect(bus.publish([{ ...event, ...wrong }])).rejects.toThrow();
    }
    await using js = await openJetStream(nats.url);
    expect(await js.storedCount(STREAM)).toBe(0);
  });

  it('rejects with DEPENDENCY_DOWN while the server is away, at once', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    await nats.stop();
    await vi.waitFor(() => expect(bus.connected).toBe(false), SOON);
    await expect(bus.publish(eventsOf('zto', 3))).rejects.toMatchObject({
      reason: 'DEPENDENCY_DOWN',
      retryable: true,
    });
    await bus.publish([]);
  });

  it('finds a deleted stream again with the next attempt', async () => {
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const before = await bus.streamIdentity(STREAM);
    await using js = await openJetStream(nats.url);
    await js.manager.streams.delete(STREAM);
    expect(await bus.streamIdentity(STREAM)).toBeUndefined();
    const events = eventsOf('zto', 300);
    await expect(bus.publish(events)).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    await bus.publish(events);
    expect(await js.storedCount(STREAM)).toBe(300);
    const after = await bus.streamIdentity(STREAM);
    expect(after?.created).not.toBe(before?.created);
    expect(after?.lastSequence).toBe(300);
  });
});

/** The W3C propagator and a context manager, as an SDK would register them, until disposed of. */
function tracing(): Disposable {
  const w3c: TextMapPropagator = {
    fields: () => ['traceparent'],
    inject(from: Context, carrier, setter) {
      const span = trace.getSpanContext(from);
      if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
    },
    extract(to: Context, carrier, getter) {
      const [, traceId, spanId] = String(getter.get(carrier, 'traceparent')).split('-');
      if (traceId === undefined || spanId === undefined) return to;
      return trace.setSpanContext(to, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
    },
  };
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, action, self, ...all) =>
      storage.run(active, () => action.call(self as never, ...all)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  propagation.setGlobalPropagator(w3c);
  context.setGlobalContextManager(manager);
  return {
    [Symbol.dispose]() {
      propagation.disable();
      context.disable();
    },
  };
}
