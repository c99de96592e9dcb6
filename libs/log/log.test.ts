import { context, ROOT_CONTEXT, type Span, trace } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createLogger } from './index.ts';

function capture(level?: 'debug') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ name: 'test', destination, ...(level && { level }) });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? 'null') };
}

describe('a log line', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is one JSON object with a time, a level in words and a text', () => {
    const { log, lines, last } = capture();
    log.info({ count: 3 }, 'issued');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\{.*\}\n$/);
    expect(last()).toMatchObject({ level: 'info', name: 'test', count: 3, msg: 'issued' });
    expect(Date.parse(last().time)).not.toBeNaN();
  });

  it('is not written below the level', () => {
    const { log, lines } = capture();
    log.debug('detail');
    expect(lines).toEqual([]);
  });

  it('names the active trace', () => {
    const spanContext = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: 1 };
    const span: Span = trace.wrapSpanContext(spanContext);
    vi.spyOn(context, 'active').mockReturnValue(trace.setSpan(ROOT_CONTEXT, span));
    const { log, last } = capture();
    log.info('within');
    expect(last()).toMatchObject({ trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) });
  });
});

describe('redaction', () => {
  it('hides secrets, bodies and people', () => {
    const { log, lines } = capture();
    const consignee = { name: 'CANARY', phone: 'CANARY', detail: 'CANARY' };
    log.info({ consignee, secret: 'CANARY', call: { metadata: { authorization: 'CANARY' } } }, 'a');
    log.info({ request: { parcels: ['CANARY'] }, item: { person: consignee } }, 'b');
    log.info({ list: [{ a: { b: { c: [consignee] } } }], bytes: Buffer.from('CANARY') }, 'd');
    log
      .child({ part: 'x' })
      .child({ apiKey: 'CANARY' })
      .info({ user: { name: 'CANARY', token: 'CANARY' } }, 'c');
    expect(lines.join('')).not.toContain('CANARY');
    expect(lines).toHaveLength(4);
  });

  it('leaves harmless fields: the same line without a hidden key keeps its value', () => {
    const { log, lines } = capture();
    log.info({ courier_id: 'CANARY' }, 'a');
    expect(lines.join('')).toContain('CANARY');
  });

  it('takes from an error what says where it failed, not what the row held', () => {
    const { log, last } = capture();
    const error = Object.assign(new Error('duplicate key value violates "waybill_pkey"'), {
      code: '23505',
      constraint: 'waybill_pkey',
      detail: 'Key (name)=(CANARY) already exists.',
      where: 'CANARY',
      parameters: ['CANARY'],
    });
    log.warn({ err: new Error('could not issue', { cause: error }) }, 'failed');
    expect(JSON.stringify(last())).not.toContain('CANARY');
    const { cause } = last().err;
    expect(cause).toMatchObject({ code: '23505', constraint: 'waybill_pkey' });
    expect(cause.stack).toContain('log.test.ts');
  });

  it('masks Chinese text and phones that an error quotes, in message and stack', async () => {
    const han = fc.string({ unit: fc.constantFrom('张', '三', '欧', '阳', '𠮷'), minLength: 1 });
    const phone = fc.integer({ min: 1_000_000, max: 2_000_000_000 }).map(String);
    await fc.assert(
      fc.property(han, phone, (name, digits) => {
        const { log, lines } = capture();
        const cause = new SyntaxError(`Unexpected token "${name}${digits}" in JSON`);
        log.error({ err: new Error(`bad value ${name}, ${digits}`, { cause }) }, 'failed');
        expect(lines.join('')).not.toContain(name);
        expect(lines.join('')).not.toContain(digits);
      }),
      { numRuns: 30 },
    );
  });

  it('describes a thrown value that is no error without quoting it', () => {
    const { log, last } = capture();
    log.error({ err: { phone: '13800138000' } }, 'failed');
    expect(last().err).toEqual({ type: 'object', message: '' });
  });

  it('masks an error that is logged alone, or deep in a line', () => {
    const { log, lines, last } = capture();
    const error = Object.assign(new Error('张三'), { detail: 'CANARY' });
    log.warn(error);
    expect(last()).toMatchObject({ msg: 'error', err: { message: '[text]' } });
    log.warn({ err: error });
    expect(last()).toMatchObject({ msg: 'error', err: { message: '[text]' } });
    log.warn({ outcome: [{ failed: error }] }, 'batch');
    expect(last()).toMatchObject({ outcome: [{ failed: { message: '[text]' } }] });
    expect(lines.join('')).not.toMatch(/张三|CANARY/);
  });

  it('ends where a line goes deeper than anybody reads, circles included', () => {
    const { log, last } = capture();
    const circle: Record<string, unknown> = { id: 1n };
    circle['self'] = circle;
    log.info({ circle }, 'circle');
    expect(last().circle.self.self).toMatchObject({ id: '1' });
    expect(JSON.stringify(last())).toContain('[deeper]');
  });

  it('survives an error that is its own cause', () => {
    const { log, last } = capture();
    const error = new Error('circular');
    error.cause = error;
    log.error({ err: error }, 'failed');
    expect(last().err.message).toBe('circular');
  });
});
