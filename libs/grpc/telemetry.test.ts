import { AsyncLocalStorage } from 'node:async_hooks';
import * as otel from '@opentelemetry/api';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { failure, GET_MERCHANT, startFixture } from './fixture.ts';

const spans: RecordedSpan[] = [];
const points: { name: string; value: number; attributes: otel.Attributes }[] = [];

// What an SDK registers, in the smallest form that shows what it would be given.
beforeAll(() => {
  otel.context.setGlobalContextManager(contextManager());
  otel.propagation.setGlobalPropagator(w3cPropagator);
  otel.trace.setGlobalTracerProvider({ getTracer: () => tracer });
  otel.metrics.setGlobalMeterProvider({ getMeter: () => recordingMeter() });
});

afterAll(() => {
  for (const api of [otel.context, otel.propagation, otel.trace, otel.metrics]) api.disable();
});

beforeEach(() => {
  spans.length = 0;
  points.length = 0;
});

describe('telemetry', () => {
  it('has a span of both sides in one trace, and the work of the handler within it', async () => {
    await using it = await startFixture({
      getMerchant: () => {
        otel.trace.getTracer('handler').startSpan('query').end();
        return {};
      },
    });
    await it.client.getMerchant({});
    const [client, server, query] = spans;
    expect(client).toMatchObject({ name: GET_MERCHANT, kind: otel.SpanKind.CLIENT, parentId: '' });
    expect(server).toMatchObject({ name: GET_MERCHANT, kind: otel.SpanKind.SERVER });
    expect(server?.parentId).toBe(client?.id);
    expect(query?.parentId).toBe(server?.id);
    expect(server?.attributes).toEqual({
      'rpc.system.name': 'grpc',
      'rpc.method': GET_MERCHANT,
      'rpc.response.status_code': 'OK',
    });
    expect(spans.every(({ isEnded }) => isEnded)).toBe(true);
  });

  it('has the duration of both sides in seconds', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    await it.client.getMerchant({});
    const [host, port] = it.server.address.split(':');
    const common = {
      'rpc.system.name': 'grpc',
      'rpc.method': GET_MERCHANT,
      'rpc.response.status_code': 'OK',
    };
    expect(points).toContainEqual({
      name: 'rpc.server.call.duration s',
      value: expect.any(Number),
      attributes: common,
    });
    expect(points).toContainEqual({
      name: 'rpc.client.call.duration s',
      value: expect.any(Number),
      attributes: { ...common, 'server.address': host, 'server.port': Number(port) },
    });
  });

  it('counts the caller’s error against the client only', async () => {
    await using it = await startFixture({
      getMerchant: () => Promise.reject(new RpcError('MERCHANT_NOT_FOUND')),
    });
    await failure(it.client.getMerchant({}));
    const [client, server] = spans;
    expect(client).toMatchObject({ statusCode: otel.SpanStatusCode.ERROR });
    expect(client?.attributes).toMatchObject({ 'error.type': 'NOT_FOUND' });
    expect(server).toMatchObject({ statusCode: otel.SpanStatusCode.UNSET });
    expect(server?.attributes).toMatchObject({ 'rpc.response.status_code': 'NOT_FOUND' });
    expect(server?.attributes).not.toHaveProperty('error.type');
  });

  it('marks the log line of a call with its trace', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    await it.client.getMerchant({});
    expect(it.calls()[0]).toMatchObject({ trace_id: TRACE_ID, span_id: spans[1]?.id });
  });
});

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

class RecordedSpan {
  readonly name: string;
  readonly kind: otel.SpanKind | undefined;
  readonly parentId: string;
  readonly id: string;
  attributes: otel.Attributes;
  statusCode = otel.SpanStatusCode.UNSET;
  isEnded = false;

  constructor(name: string, options: otel.SpanOptions, parentId: string) {
    this.name = name;
    this.kind = options.kind;
    this.attributes = { ...options.attributes };
    this.parentId = parentId;
    this.id = String(spans.length + 1).padStart(16, '0');
  }

  spanContext(): otel.SpanContext {
    return { traceId: TRACE_ID, spanId: this.id, traceFlags: otel.TraceFlags.SAMPLED };
  }

  setAttributes(more: otel.Attributes): this {
    this.attributes = { ...this.attributes, ...more };
    return this;
  }

  setStatus({ code }: otel.SpanStatus): this {
    this.statusCode = code;
    return this;
  }

  end(): void {
    this.isEnded = true;
  }
}

const tracer = {
  startSpan(name: string, options: otel.SpanOptions = {}, parent = otel.context.active()) {
    const parentId = otel.trace.getSpanContext(parent)?.spanId ?? '';
    const span = new RecordedSpan(name, options, parentId);
    spans.push(span);
    return span as unknown as otel.Span;
  },
} as unknown as otel.Tracer;

function recordingMeter(): otel.Meter {
  return {
    createHistogram: (histogram: string, { unit = '' }: otel.MetricOptions) => ({
      record(value: number, attributes: otel.Attributes) {
        points.push({ name: `${histogram} ${unit}`, value, attributes });
      },
    }),
  } as unknown as otel.Meter;
}

const w3cPropagator: otel.TextMapPropagator = {
  inject(context, carrier, setter) {
    const span = otel.trace.getSpanContext(context);
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`);
  },
  extract(context, carrier, getter) {
    const [, traceId, spanId] = String(getter.get(carrier, 'traceparent') ?? '').split('-');
    if (!traceId || !spanId) return context;
    return otel.trace.setSpanContext(context, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
  fields: () => ['traceparent'],
};

function contextManager(): otel.ContextManager {
  const storage = new AsyncLocalStorage<otel.Context>();
  const manager: otel.ContextManager = {
    active: () => storage.getStore() ?? otel.ROOT_CONTEXT,
    with: (context, work, self, ...given) =>
      storage.run(context, () => work.apply(self as ThisParameterType<typeof work>, given)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
