// A person who stands nowhere else: wherever a piece of them turns up, it has leaked.
import { connect } from '@nats-io/transport-node';
import { metrics, trace } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import type { TestDatabase } from './database.ts';

export const CANARY = {
  name: '慕容雀翎',
  phone: '13977665544',
  street: '鹊桥测试街道',
  detail: '银河路七夕里7号77幢777室',
};

/** The whole of them, and the parts that no mask may show. */
const PIECES = [
  ...Object.values(CANARY),
  ...['雀翎', '77665544', '139-7766-5544', '139 7766 5544', '银河路', '七夕里', '777室'],
];

/** Which pieces stand in which place, as text or as the hexadecimal of their UTF-8. */
export function leaks(places: Readonly<Record<string, string>>): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    PIECES.filter((piece) => text.includes(piece) || text.includes(hexOf(piece))).map(
      (piece) => `${place}: ${piece}`,
    ),
  );
}

function hexOf(text: string): string {
  return Buffer.from(text).toString('hex');
}

/** Every value of every column of every table. */
export async function databaseText(database: TestDatabase): Promise<string> {
  const tables = await database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name
     from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    // bytea comes in hexadecimal, JSON as it is.
    const rows = await database.query<{ whole: string }>(
      `select entry::text as whole from ${name} as entry`,
    );
    texts.push(name, ...rows.map(({ whole }) => whole));
  }
  return texts.join('\n');
}

/** Everything that travels over a NATS server: subjects, headers and payloads, JetStream's too. */
export async function hear(url: string): Promise<AsyncDisposable & { text(): string }> {
  const connection = await connect({ servers: url });
  const said: string[] = [];
  connection.subscribe('>', {
    callback: (_, message) => {
      const headers = [...(message.headers ?? [])].map(([name, values]) => `${name}: ${values}`);
      const payload = Buffer.from(message.data);
      said.push(message.subject, ...headers, payload.toString(), payload.toString('hex'));
    },
  });
  await connection.flush();
  return {
    text: () => said.join('\n'),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** A real OpenTelemetry SDK that keeps what it is given. To be opened before what is measured. */
export function recordTelemetry(): Telemetry {
  const reader = new Reader();
  const meterProvider = new MeterProvider({ readers: [reader] });
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  metrics.setGlobalMeterProvider(meterProvider);
  trace.setGlobalTracerProvider(tracerProvider);
  return {
    async metrics() {
      const { resourceMetrics } = await reader.collect();
      return JSON.stringify(resourceMetrics.scopeMetrics);
    },
    spans() {
      const told = exporter
        .getFinishedSpans()
        .map(({ name, attributes, status, events, links }) => ({
          ...{ name, attributes, status, events, links },
        }));
      return JSON.stringify(told);
    },
    async [Symbol.asyncDispose]() {
      metrics.disable();
      trace.disable();
      await meterProvider.shutdown();
      await tracerProvider.shutdown();
    },
  };
}

class Reader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** All that an error tells, to the last cause. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, stack, cause } = error;
  const own = JSON.stringify({ ...error }, (_, value) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return [message, stack, own, cause === undefined ? '' : errorText(cause)].join('\n');
}

export type Telemetry = AsyncDisposable & {
  metrics(): Promise<string>;
  spans(): string;
};
