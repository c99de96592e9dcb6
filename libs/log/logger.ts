import { trace } from '@opentelemetry/api';
import pino from 'pino';
import { redact } from './redact.ts';

/**
 * A logger that writes JSON lines to stderr, or to `destination`. Use it as `log.info({ field },
 * 'text')`; an error goes into the field `err`.
 */
export function createLogger({ name, level = 'info', destination }: LoggerOptions): Logger {
  const log = pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redact },
      // Instead of pino's own, which copies every field of an error.
      serializers: { err: (redacted: unknown) => redacted },
      hooks: { logMethod: nameError },
      base: { pid: process.pid },
      mixin: activeTrace,
    },
    // Not synchronous: a slow reader of stderr must not hold up calls. Flushed at exit.
    destination ?? pino.destination({ fd: 2, sync: false }),
  );
  // pino formats the fields of a line, not those that a child carries.
  const { child } = log;
  return Object.assign(log, {
    child(this: pino.Logger, fields: object): Logger {
      return child.call(this, redact(fields)) as unknown as Logger;
    },
  });
}

/** Without a text, pino would take that of the error, unmasked. */
function nameError(this: pino.Logger, given: Parameters<pino.LogFn>, write: pino.LogFn): void {
  const [first, text, ...rest] = given as unknown[];
  const fields = first instanceof Error ? { err: first } : first;
  const isFields = typeof fields === 'object' && fields !== null;
  if (isFields && 'err' in fields) write.call(this, fields, String(text ?? 'error'), ...rest);
  else write.apply(this, given);
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
  'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'level' | 'isLevelEnabled'
> & {
  /** A logger whose every line has these fields as well. */
  child(fields: object): Logger;
};
