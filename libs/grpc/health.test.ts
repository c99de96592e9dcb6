import type * as grpc from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it, vi } from 'vitest';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { type Fixture, startFixture } from './fixture.ts';

const NETWORK = NetworkService.typeName;

describe('health', () => {
  it('follows the check of a service, for it and for all together, without a key', async () => {
    let isWell = true;
    const health = { check: async () => isWell, intervalMs: 10 };
    await using it = await startFixture({}, { health });
    expect(await check(it, NETWORK)).toBe('SERVING');
    expect(await check(it, '')).toBe('SERVING');
    isWell = false;
    await vi.waitFor(async () => expect(await check(it, NETWORK)).toBe('NOT_SERVING'));
    expect(await check(it, '')).toBe('NOT_SERVING');
    isWell = true;
    await vi.waitFor(async () => expect(await check(it, NETWORK)).toBe('SERVING'));
  });

  it('is told to those who watch', async () => {
    let isWell = true;
    const health = { check: async () => isWell, intervalMs: 10 };
    await using it = await startFixture({}, { health });
    const seen: string[] = [];
    const stream = watch(it, NETWORK);
    stream.on('error', () => undefined);
    stream.on('data', ({ status }: Answer) => {
      seen.push(status);
      isWell = status === 'NOT_SERVING';
    });
    await vi.waitFor(() => expect(seen.slice(0, 3)).toEqual(['SERVING', 'NOT_SERVING', 'SERVING']));
    stream.cancel();
  });

  it.each([
    ['fails', () => Promise.reject(new Error('no connection'))],
    ['does not answer within the interval', () => new Promise<boolean>(() => undefined)],
  ])('is NOT_SERVING when the check %s', async (_, broken) => {
    await using it = await startFixture({}, { health: { check: broken, intervalMs: 10 } });
    expect(await check(it, NETWORK)).toBe('NOT_SERVING');
  });

  it('logs changes and not every poll', async () => {
    let pollCount = 0;
    const check = async () => {
      pollCount += 1;
      return true;
    };
    await using it = await startFixture({}, { health: { check, intervalMs: 1 } });
    await vi.waitFor(() => expect(pollCount).toBeGreaterThan(5));
    expect(it.logText().match(/health changed/g)).toHaveLength(2);
  });

  it('asks for no place among the calls in flight and writes no line per question', async () => {
    const health = { check: async () => true };
    await using it = await startFixture({}, { health, limits: { inFlightMax: 0 } });
    expect(await check(it, NETWORK)).toBe('SERVING');
    expect(it.calls()).toEqual([]);
  });

  it('of a service that is not here is NOT_FOUND, as the protocol wants it', async () => {
    await using it = await startFixture({}, { health: { check: async () => true } });
    await expect(check(it, 'queqiao.none.v1.NoService')).rejects.toMatchObject({ code: 5 });
  });
});

function check(it: Fixture, service: string): Promise<string> {
  const { path, requestSerialize, responseDeserialize } = method('Check');
  return new Promise((resolve, reject) => {
    it.raw().makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service },
      (error, answer?: Answer) => (error ? reject(error) : resolve(answer?.status ?? '')),
    );
  });
}

function watch(it: Fixture, service: string): grpc.ClientReadableStream<Answer> {
  const { path, requestSerialize, responseDeserialize } = method('Watch');
  return it.raw().makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
}

function method(name: string): grpc.MethodDefinition<object, Answer> {
  return healthService[name] as unknown as grpc.MethodDefinition<object, Answer>;
}

type Answer = { status: string };
