import { gzipSync } from 'node:zlib';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { invalid, RpcError } from '#libs/errors';
import { failure, sendRaw, startFixture } from './fixture.ts';
import { fromServiceError } from './status.ts';

const MIB = 1024 * 1024;

describe('a failing call', () => {
  it('says which field is wrong in Chinese and English', async () => {
    await using it = await startFixture({
      createMerchant: () => {
        throw invalid('merchant.merchant_id', 'SLUG');
      },
    });
    expect(await failure(it.client.createMerchant({}))).toMatchObject({
      code: grpc.status.INVALID_ARGUMENT,
      reason: 'FIELD_INVALID',
      field: 'merchant.merchant_id',
      metadata: { problem: 'SLUG' },
      textEn: 'merchant.merchant_id must be 2 to 32 of a-z, 0-9 and "-", beginning with a letter',
      textZh: 'merchant.merchant_id须为 2 到 32 位小写字母、数字或“-”,且以字母开头',
      retryable: false,
    });
  });

  it('says nothing of an unexpected fault, whose cause is logged once', async () => {
    await using it = await startFixture({
      getMerchant: () => {
        throw new Error('CANARY at /srv/secret');
      },
    });
    const error = await failure(it.client.getMerchant({}));
    expect(error).toMatchObject({ code: 13, reason: 'INTERNAL', textEn: 'internal error' });
    const { details, metadata } = error.cause as grpc.ServiceError;
    expect(details).toBe('internal error');
    const trailers = metadata.get('grpc-status-details-bin').map(String).join('');
    expect(trailers).toContain('INTERNAL');
    expect(trailers + JSON.stringify(metadata.toJSON())).not.toMatch(/CANARY|secret/);
    expect(it.logText().match(/"message":"CANARY/g)).toHaveLength(1);
    expect(it.calls()).toMatchObject([{ level: 'warn', code: 'INTERNAL', reason: 'INTERNAL' }]);
    expect(metadata.get('x-request-id')).toEqual([it.calls()[0]?.['request_id']]);
  });

  it('maps errors of the database', async () => {
    const cause = Object.assign(new Error('could not serialize'), { code: '40001' });
    await using it = await startFixture({ updateMerchant: () => Promise.reject(cause) });
    const error = await failure(it.client.updateMerchant({}));
    expect(error).toMatchObject({ reason: 'CONFLICT', code: grpc.status.ABORTED, retryable: true });
  });

  it('says when to come back', async () => {
    const overloaded = new RpcError('OVERLOADED', { retryAfterMs: 1_234 });
    await using it = await startFixture({ getMerchant: () => Promise.reject(overloaded) });
    expect(await failure(it.client.getMerchant({}))).toMatchObject({ retryAfterMs: 1_234 });
  });

  it('is an internal one when the answer cannot be encoded', async () => {
    const merchant = { spread: 2 ** 40 };
    await using it = await startFixture({ getMerchant: () => ({ merchant }) });
    expect((await failure(it.client.getMerchant({}))).reason).toBe('INTERNAL');
    expect(it.logText()).toMatch(/invalid int32/i);
  });
});

describe('a request that cannot be read', () => {
  it.each([
    ['that breaks off', '0a05'],
    ['with a text that is not UTF-8', '0a02ff41'],
    ['that is no protobuf', 'ffffffffffffffffffff'],
  ])('%s is the caller’s fault', async (_, hex) => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const error = await sendRaw(it.raw(), Buffer.from(hex, 'hex'));
    expect(fromServiceError(error as grpc.ServiceError, '')).toMatchObject({
      reason: 'FIELD_INVALID',
      field: 'request',
      metadata: { problem: 'NOT_TEXT' },
    });
    expect(it.calls()).toMatchObject([{ level: 'info', code: 'INVALID_ARGUMENT' }]);
  });
});

describe('a message over 4 MiB', () => {
  const name = 'x'.repeat(5 * MIB);

  it('is refused by the server', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const error = await sendRaw(it.raw(), Buffer.alloc(5 * MIB));
    expect(fromServiceError(error as grpc.ServiceError, '')).toMatchObject({
      reason: 'LIMIT_EXCEEDED',
      metadata: { limit: 'message_bytes', given: String(5 * MIB), allowed: String(4 * MIB) },
    });
    expect(it.calls()).toMatchObject([{ code: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_EXCEEDED' }]);
  });

  it('is refused by the server also if it grows only when unpacked', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const options = { 'grpc.default_compression_algorithm': 2 };
    const zipped = new grpc.Client(it.server.address, grpc.credentials.createInsecure(), options);
    const body = Buffer.alloc(8 * MIB);
    expect(gzipSync(body).length).toBeLessThan(MIB);
    const error = await sendRaw(zipped, body);
    zipped.close();
    expect(fromServiceError(error as grpc.ServiceError, '').reason).toBe('LIMIT_EXCEEDED');
    expect(it.calls()).toMatchObject([{ code: 'RESOURCE_EXHAUSTED' }]);
  });

  it('is not even sent by the client', async () => {
    await using it = await startFixture({ createMerchant: () => ({}) });
    const error = await failure(it.client.createMerchant({ merchant: { displayName: name } }));
    expect(error).toMatchObject({ reason: 'LIMIT_EXCEEDED', field: 'message_bytes' });
    expect(it.calls()).toEqual([]);
  });

  it('is not sent as an answer', async () => {
    const merchant = { displayName: name };
    await using it = await startFixture({ getMerchant: () => ({ merchant }) });
    expect((await failure(it.client.getMerchant({}))).reason).toBe('LIMIT_EXCEEDED');
    expect(it.calls()).toMatchObject([{ code: 'RESOURCE_EXHAUSTED' }]);
  });
});
