import { type Metadata, status } from '@grpc/grpc-js';
import {
  type Attributes,
  type Context,
  createNoopMeter,
  metrics,
  ProxyTracerProvider,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api';

const SCOPE = 'queqiao';
/** The boundaries, in seconds, that the conventions advise for both durations. */
const BOUNDARIES_S = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** Codes that say the server failed, not that the caller erred; for a client every code counts. */
const SERVER_FAULTS: ReadonlySet<number> = new Set([
  status.UNKNOWN,
  status.DEADLINE_EXCEEDED,
  status.UNIMPLEMENTED,
  status.INTERNAL,
  status.UNAVAILABLE,
  status.DATA_LOSS,
]);

/**
 * Measures calls under OpenTelemetry's stable RPC conventions (1.45): a span, and its duration in
 * a histogram. Made when a server or client starts, after an SDK (if any) has been registered;
 * undefined without one, since even spans that go nowhere cost a tenth of a small call.
 */
export function openTelemetry(
  side: 'server' | 'client',
  fixed: Attributes = {},
): StartMeasuring | undefined {
  if (isNobodyListening()) return undefined;
  const tracer = trace.getTracer(SCOPE);
  const duration = metrics.getMeter(SCOPE).createHistogram(`rpc.${side}.call.duration`, {
    unit: 's',
    description: `Duration of ${side === 'server' ? 'inbound' : 'outbound'} calls`,
    advice: { explicitBucketBoundaries: BOUNDARIES_S },
  });
  const kind = side === 'server' ? SpanKind.SERVER : SpanKind.CLIENT;
  return (method, parent) => {
    const attributes = { ...fixed, 'rpc.system.name': 'grpc', 'rpc.method': method };
    const span = tracer.startSpan(method, { kind, attributes }, parent);
    const context = trace.setSpan(parent, span);
    const startMs = performance.now();
    return {
      context,
      end(code) {
        const name = status[code] ?? String(code);
        const outcome: Attributes = { 'rpc.response.status_code': name };
        if (code !== status.OK && (side === 'client' || SERVER_FAULTS.has(code))) {
          outcome['error.type'] = name;
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        span.setAttributes(outcome);
        span.end();
        const durationS = (performance.now() - startMs) / 1000;
        duration.record(durationS, { ...attributes, ...outcome }, context);
      },
    };
  };
}

function isNobodyListening(): boolean {
  const tracers = trace.getTracerProvider();
  return (
    tracers instanceof ProxyTracerProvider &&
    tracers.getDelegateTracer(SCOPE) === undefined &&
    metrics.getMeter(SCOPE) === createNoopMeter() &&
    propagation.fields().length === 0
  );
}

/** The trace that a caller sent along, in the format of the registered propagator (W3C). */
export function extractTrace(metadata: Metadata): Context {
  return propagation.extract(ROOT_CONTEXT, metadata, GETTER);
}

/** The metadata with the trace of `context` to send along. */
export function withTrace(context: Context, metadata: Metadata): Metadata {
  const traced = metadata.clone();
  propagation.inject(context, traced, SETTER);
  return traced;
}

const GETTER: TextMapGetter<Metadata> = {
  keys: (metadata) => Object.keys(metadata.getMap()),
  get: (metadata, key) => metadata.get(key).map(String),
};

const SETTER: TextMapSetter<Metadata> = {
  set: (metadata, key, value) => metadata.set(key, value),
};

/** Begins the span of one call, by its full name. */
export type StartMeasuring = (method: string, parent: Context) => Measuring;

export type Measuring = {
  /** With the call's span: what runs in it becomes the span's child. */
  readonly context: Context;
  /** The call's gRPC status code. Once. */
  end(code: number): void;
};
