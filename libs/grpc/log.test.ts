import { describe, expect, it, vi } from 'vitest';
import { RpcError } from '#libs/errors';
import { failure, sendRaw, startFixture, withKey } from './fixture.ts';

const CANARIES = /CANARY|李雷|13800138000|operator-key/;

describe('the log', () => {
  it('has exactly one line for each call, whatever became of it', async () => {
    await using it = await startFixture({
      getMerchant: () => ({}),
      getCourier: () => Promise.reject(new RpcError('COURIER_NOT_FOUND')),
      getNode: () => Promise.reject(new Error('broken')),
    });
    await it.client.getMerchant({});
    await failure(it.client.getCourier({}));
    await failure(it.client.getNode({}));
    await failure(it.client.getMerchant({}, { apiKey: 'wrong' }));
    expect(it.calls()).toMatchObject([
      { level: 'info', code: 'OK', reason: '' },
      { level: 'info', code: 'NOT_FOUND', reason: 'COURIER_NOT_FOUND' },
      { level: 'warn', code: 'INTERNAL', reason: 'INTERNAL' },
      { level: 'info', code: 'UNAUTHENTICATED', reason: 'API_KEY_INVALID', identity_kind: '' },
    ]);
    expect(it.logText().trim().split('\n')).toHaveLength(4);
  });

  it('says who called what, how long it took and under which id', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const metadata = withKey('merchant-key');
    metadata.set('x-request-id', 'order-import.7');
    await sendRaw(it.raw(), Buffer.alloc(0), { metadata });
    const { time: _t, pid: _p, ...line } = it.calls()[0] ?? {};
    expect(line).toEqual({
      level: 'info',
      name: 'test',
      msg: 'call',
      method: 'queqiao.network.v1.NetworkService/GetMerchant',
      code: 'OK',
      reason: '',
      duration_ms: expect.any(Number),
      identity_kind: 'merchant',
      identity_id: 'merchant-1',
      request_id: 'order-import.7',
    });
  });

  it('takes no request id that is not one', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const metadata = withKey('merchant-key');
    metadata.set('x-request-id', 'CANARY {"level":"fatal"}');
    await sendRaw(it.raw(), Buffer.alloc(0), { metadata });
    expect(it.logText()).not.toContain('CANARY');
  });

  it('holds nothing of requests, responses, keys or faults that quote them', async () => {
    const node = { displayName: 'CANARY 李雷', phone: '13800138000' };
    await using it = await startFixture({
      createNode: ({ node: given }) => ({ node: given ?? {} }),
      updateNode: ({ node: given }) => {
        throw new Error(`cannot store ${given?.displayName.slice(7)} ${given?.phone}`);
      },
    });
    await it.client.createNode({ node });
    await failure(it.client.updateNode({ node }));
    expect(it.calls()).toHaveLength(2);
    expect(it.logText()).not.toMatch(CANARIES);
  });

  it('would show a canary: a handler’s own English text is not hidden', async () => {
    await using it = await startFixture({
      getNode: () => {
        throw new Error('CANARY');
      },
    });
    await failure(it.client.getNode({}));
    expect(it.logText()).toMatch(CANARIES);
  });

  it('has the fault of a handler that went on after its caller had left', async () => {
    const leaving = new AbortController();
    let fail = () => {};
    const getNode = () =>
      new Promise<never>((_, reject) => {
        fail = () => reject(new Error('too late'));
        leaving.abort();
      });
    await using it = await startFixture({ getNode });
    await failure(it.client.getNode({}, { signal: leaving.signal }));
    await vi.waitFor(() => expect(it.calls()).toMatchObject([{ code: 'CANCELLED' }]));
    fail();
    await vi.waitFor(() => expect(it.logText()).toContain('too late'));
    expect(it.calls()).toHaveLength(1);
  });
});
