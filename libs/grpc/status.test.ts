import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invalid, REASONS, type Reason, RpcError, tooMany } from '#libs/errors';
import { fromBareStatus, fromServiceError, toStatus } from './status.ts';

const METHOD = 'queqiao.network.v1.NetworkService/GetMerchant';

/** What a client makes of an error that a server sends. */
function overTheWire(error: RpcError): RpcError {
  const sent = toStatus(error);
  return fromServiceError(Object.assign(new Error(sent.details), sent) as ServiceError, METHOD);
}

function bare(code: number, details: string, metadata = new Metadata()): RpcError {
  const error = Object.assign(new Error(details), { code, details, metadata });
  return fromServiceError(error as ServiceError, METHOD);
}

describe('an error on the wire', () => {
  it('arrives as it was sent, for every reason', async () => {
    const reasons = fc.constantFrom(...(Object.keys(REASONS) as Reason[]));
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const names = fc.constantFrom('id', 'scope', 'method', 'limit', 'given', 'state', 'character');
    const values = fc.dictionary(names, text);
    const delay = fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined });
    await fc.assert(
      fc.property(reasons, values, delay, (reason, metadata, retryAfterMs) => {
        const texts = { problem_en: 'is wrong', problem_zh: '有误' };
        const error = new RpcError(reason, {
          field: 'parcels[3].consignee.phone',
          metadata,
          texts,
          ...(retryAfterMs !== undefined && { retryAfterMs }),
        });
        const { stack: _s, cause: _c, ...received } = { ...overTheWire(error) };
        expect(received).toEqual({ ...error });
        expect(overTheWire(error).message).toBe(error.message);
      }),
    );
  });

  it('keeps the field, the problem and both texts of a wrong field', () => {
    const received = overTheWire(invalid('parcels[0].order_ref', 'TOO_LONG', { max: 64 }));
    expect(received).toMatchObject({
      reason: 'FIELD_INVALID',
      code: status.INVALID_ARGUMENT,
      field: 'parcels[0].order_ref',
      metadata: { problem: 'TOO_LONG', max: '64' },
      textEn: 'parcels[0].order_ref must be at most 64 characters',
      textZh: 'parcels[0].order_ref不能超过 64 个字符',
    });
  });

  it('does not carry the cause', () => {
    const error = new RpcError('INTERNAL', { cause: new Error('CANARY') });
    const { details, metadata } = toStatus(error);
    expect(details).toBe('internal error');
    expect(JSON.stringify(metadata.toJSON())).not.toContain(
      Buffer.from('CANARY').toString('base64'),
    );
    const [bytes] = metadata.get('grpc-status-details-bin');
    expect(String(bytes)).not.toContain('CANARY');
    expect(String(bytes)).toContain('系统内部错误');
  });

  it('is sent even if a text was cut within a character', () => {
    const character = '𠮷'.slice(0, 1);
    const received = overTheWire(new RpcError('CHARACTER_ILLEGAL', { metadata: { character } }));
    expect(received.metadata).toEqual({ character: '\ufffd' });
  });
});

describe('a status without details', () => {
  it('gets a reason from its code', () => {
    expect(bare(status.UNAVAILABLE, 'No connection')).toMatchObject({
      reason: 'DEPENDENCY_DOWN',
      retryable: true,
      cause: { details: 'No connection' },
    });
    expect(bare(status.DEADLINE_EXCEEDED, 'x').reason).toBe('DEADLINE_EXCEEDED');
    expect(bare(status.CANCELLED, 'x').reason).toBe('CALL_CANCELLED');
    expect(bare(status.UNAUTHENTICATED, 'x').reason).toBe('API_KEY_INVALID');
    expect(bare(status.RESOURCE_EXHAUSTED, 'x').reason).toBe('OVERLOADED');
    expect(bare(status.UNKNOWN, 'x').reason).toBe('INTERNAL');
    expect(bare(status.UNIMPLEMENTED, 'x').metadata).toEqual({ method: METHOD });
  });

  it('gets the numbers out of the text of grpc-js about a large message', () => {
    const received = 'Received message larger than max (5000000 vs 4194304)';
    expect(bare(status.RESOURCE_EXHAUSTED, received)).toEqual(
      tooMany('message_bytes', 5_000_000, 4_194_304),
    );
    const unpacked = 'Received message that decompresses to a size larger than 4194304';
    const error = fromBareStatus(status.RESOURCE_EXHAUSTED, unpacked, { method: METHOD });
    expect(error).toEqual(tooMany('message_bytes', 4_194_305, 4_194_304));
  });

  it('is read so when the details are not ours, not readable or of a newer server', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from('rubbish'));
    expect(bare(status.UNAVAILABLE, 'x', metadata).reason).toBe('DEPENDENCY_DOWN');
    const newer = Object.assign(new RpcError('CONFLICT'), { reason: 'NEWER_THAN_THIS' });
    expect(overTheWire(newer).reason).toBe('CONFLICT');
  });
});
