import { status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { RpcError } from '#libs/errors';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { failure, gate, startFixture, untilAborted } from './fixture.ts';
import { type CallContext, createClient } from './index.ts';

describe('a client', () => {
  it('repeats a call that ended UNAVAILABLE, until the server is back', async () => {
    let attemptCount = 0;
    const getMerchant = () => {
      attemptCount += 1;
      if (attemptCount < 3) throw new RpcError('DEPENDENCY_DOWN');
      return { merchant: { merchantId: 'back' } };
    };
    await using it = await startFixture({ getMerchant });
    expect((await it.client.getMerchant({})).merchant?.merchantId).toBe('back');
    expect(attemptCount).toBe(3);
  });

  it('gives up after three attempts', async () => {
    const getMerchant = vi.fn(() => Promise.reject(new RpcError('DEPENDENCY_DOWN')));
    await using it = await startFixture({ getMerchant });
    expect((await failure(it.client.getMerchant({}))).reason).toBe('DEPENDENCY_DOWN');
    expect(getMerchant).toHaveBeenCalledTimes(3);
  });

  it.each(['OVERLOADED', 'CONFLICT', 'INTERNAL', 'DEADLINE_EXCEEDED'] as const)(
    'does not repeat %s',
    async (reason) => {
      const getMerchant = vi.fn(() => Promise.reject(new RpcError(reason)));
      await using it = await startFixture({ getMerchant });
      expect((await failure(it.client.getMerchant({}))).reason).toBe(reason);
      expect(getMerchant).toHaveBeenCalledOnce();
    },
  );

  it('works again when its server has been restarted', async () => {
    await using first = await startFixture({ getMerchant: () => ({}) });
    const { address } = first.server;
    const client = first.connect(NetworkService);
    await client.getMerchant({});
    await first.server.stop({ graceMs: 0 });
    expect((await failure(client.getMerchant({}))).reason).toBe('DEPENDENCY_DOWN');
    await using second = await startFixture({ getMerchant: () => ({}) }, { listen: address });
    await vi.waitFor(() => client.getMerchant({}), { timeout: 10_000 });
    expect(second.calls().at(-1)).toMatchObject({ code: 'OK' });
  });

  it('says that nobody listens', async () => {
    using client = createClient(NetworkService, { address: '127.0.0.1:1' });
    const error = await failure(client.getMerchant({}));
    expect(error).toMatchObject({ reason: 'DEPENDENCY_DOWN', code: status.UNAVAILABLE });
    expect(String(error.cause)).toContain('ECONNREFUSED');
  });

  it('ends a call when its signal is aborted, also before the call began', async () => {
    const started = gate();
    const ended = gate();
    const getMerchant = async (_: object, { signal }: CallContext) => {
      started.open();
      await untilAborted(signal).catch(ended.open);
      return {};
    };
    await using it = await startFixture({ getMerchant });
    const leaving = new AbortController();
    const running = failure(it.client.getMerchant({}, { signal: leaving.signal }));
    await started.opened;
    leaving.abort();
    expect(await running).toMatchObject({ reason: 'CALL_CANCELLED', code: status.CANCELLED });
    await ended.opened;
    const late = it.client.getMerchant({}, { signal: leaving.signal });
    expect((await failure(late)).reason).toBe('CALL_CANCELLED');
  });

  it('rejects a request that cannot be encoded, without sending it', async () => {
    await using it = await startFixture({ createMerchant: () => ({}) });
    const request = { merchant: { spread: 2 ** 40 } };
    await expect(it.client.createMerchant(request)).rejects.toThrow(/int32/);
    expect(it.calls()).toEqual([]);
  });
});

describe('a call within a call', () => {
  it('inherits the deadline and the request id', async () => {
    const seen: CallContext[] = [];
    const getNode = (_: object, context: CallContext) => {
      seen.push(context);
      return {};
    };
    await using inner = await startFixture({ getNode });
    const getMerchant = async (_: object, context: CallContext) => {
      seen.push(context);
      await inner.client.getNode({}, { parent: context, deadlineMs: 3_600_000 });
      return {};
    };
    await using outer = await startFixture({ getMerchant });
    await outer.client.getMerchant({}, { deadlineMs: 5_000 });
    const [first, second] = seen;
    expect(second?.requestId).toBe(first?.requestId);
    // Without a parent the inner call would have 30 s.
    const leftMs = (second?.deadline.getTime() ?? 0) - (first?.deadline.getTime() ?? 0);
    expect(leftMs).toBeLessThan(20_000);
  });

  it('ends when the caller of the outer call leaves', async () => {
    const started = gate();
    const ended = gate();
    const getNode = async (_: object, { signal }: CallContext) => {
      started.open();
      await untilAborted(signal).catch(ended.open);
      return {};
    };
    await using inner = await startFixture({ getNode });
    const outcomes: RpcError[] = [];
    const getMerchant = async (_: object, parent: CallContext) => {
      outcomes.push(await failure(inner.client.getNode({}, { parent })));
      return {};
    };
    await using outer = await startFixture({ getMerchant });
    const leaving = new AbortController();
    const running = failure(outer.client.getMerchant({}, { signal: leaving.signal }));
    await started.opened;
    leaving.abort();
    await running;
    await ended.opened;
    await vi.waitFor(() => expect(outcomes).toMatchObject([{ reason: 'CALL_CANCELLED' }]));
  });

  it('ends with the time of the outer call', async () => {
    const getNode = (_: object, { signal }: CallContext) => untilAborted(signal);
    await using inner = await startFixture({ getNode });
    const outcomes: RpcError[] = [];
    const getMerchant = async (_: object, parent: CallContext) => {
      const error = await failure(inner.client.getNode({}, { parent }));
      outcomes.push(error);
      throw error;
    };
    await using outer = await startFixture({ getMerchant });
    const error = await failure(outer.client.getMerchant({}, { deadlineMs: 200 }));
    expect(error.reason).toBe('DEADLINE_EXCEEDED');
    await vi.waitFor(() => expect(outcomes).toMatchObject([{ reason: 'DEADLINE_EXCEEDED' }]));
  });
});
