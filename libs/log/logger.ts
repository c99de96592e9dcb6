import { trace } from '@opentelemetry/api';
import pino from 'pino';
import { serializeError } from './error.ts';
import { REDACTED_PATHS } from './redact.ts';

/**
 * A logger that writes JSON lines to stderr, or to `destination`. Use it as `log.info({ field },
 * 'text')`; an error goes into the field `err`.
 */
export function createLogger({ name, level = 'info', destination }: LoggerOptions): Logger {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      base: { pid: process.pid },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      serializers: { err: serializeError, error: serializeError, cause: serializeError },
      mixin: activeTrace,
    },
    // Not synchronous: a slow reader of stderr must not hold up calls. Flushed at exit.
    destination ?? pino.destination({ fd: 2, sync: false }),
  );
}

function activeTrace(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

export type LoggerOptions = {
  /** Which program or part speaks. */
  name: string;
  /** Default info. */
  level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  destination?: { write(line: string): void };
};

export type Logger = Pick<
  pino.Logger,
  'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'child' | 'level' | 'isLevelEnabled'
>;
