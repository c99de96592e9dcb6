import * as grpc from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { describe, expect, it, vi } from 'vitest';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { authenticate, failure, gate, openWithoutBody, startFixture } from './fixture.ts';

describe('stop', () => {
  it('lets calls in flight finish and takes no new ones', async () => {
    const held = gate();
    const started = gate();
    const getMerchant = async () => {
      started.open();
      await held.opened;
      return { merchant: { merchantId: 'kept' } };
    };
    await using it = await startFixture({ getMerchant });
    const running = it.client.getMerchant({});
    await started.opened;
    let isStopped = false;
    const stopping = it.server.stop({ graceMs: 60_000 }).then(() => {
      isStopped = true;
    });
    const late = await failure(it.connect(NetworkService).getMerchant({}));
    expect(late).toMatchObject({ reason: 'DEPENDENCY_DOWN', code: grpc.status.UNAVAILABLE });
    expect(isStopped).toBe(false);
    held.open();
    expect((await running).merchant?.merchantId).toBe('kept');
    await stopping;
  });

  it('ends although a client leaves a stream open', async () => {
    const arrived = gate();
    const options = {
      authenticate: (secret: string) => {
        arrived.open();
        return authenticate(secret);
      },
    };
    await using it = await startFixture({ getMerchant: () => ({}) }, options);
    const stream = openWithoutBody(it.raw());
    await arrived.opened;
    await it.server.stop({ graceMs: 20 });
    expect(await stream).toBeDefined();
  });

  it('ends although a handler never returns', async () => {
    const started = gate();
    const getMerchant = () => {
      started.open();
      return new Promise<never>(() => undefined);
    };
    await using it = await startFixture({ getMerchant });
    const running = failure(it.client.getMerchant({}));
    await started.opened;
    await it.server.stop({ graceMs: 20 });
    expect((await running).code).not.toBe(grpc.status.OK);
    await vi.waitFor(() => expect(it.calls()).toMatchObject([{ reason: 'CALL_CANCELLED' }]));
  });

  it('does not wait for those who watch the health', async () => {
    await using it = await startFixture({}, { health: { check: async () => true } });
    const watch = healthService['Watch'] as unknown as grpc.MethodDefinition<object, object>;
    const { path, requestSerialize, responseDeserialize } = watch;
    const seen: unknown[] = [];
    const ended = new Promise<Error>((resolve) => {
      const stream = it
        .raw()
        .makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: '' });
      stream.on('data', ({ status }: { status: string }) => seen.push(status));
      stream.on('error', resolve);
    });
    await vi.waitFor(() => expect(seen).toEqual(['SERVING']));
    await it.server.stop({ graceMs: 60_000 });
    expect(await ended).toMatchObject({ code: grpc.status.UNAVAILABLE });
    expect(seen).toEqual(['SERVING', 'NOT_SERVING']);
  });

  it('may be asked for twice', async () => {
    await using it = await startFixture({});
    await Promise.all([it.server.stop({ graceMs: 10 }), it.server.stop({ graceMs: 10 })]);
  });
});

describe('what stop is for: grpc-js', () => {
  it('waits for an open stream in tryShutdown, and forgets it in forceShutdown', async () => {
    const server = new grpc.Server({ 'grpc.enable_channelz': 0 });
    const asIs = (bytes: Buffer) => bytes;
    server.register(
      '/echo',
      (stream: grpc.ServerDuplexStream<Buffer, Buffer>) => {
        stream.on('data', (bytes: Buffer) => stream.write(bytes));
      },
      asIs,
      asIs,
      'bidi',
    );
    const port = await new Promise<number>((resolve) => {
      const insecure = grpc.ServerCredentials.createInsecure();
      server.bindAsync('127.0.0.1:0', insecure, (_, bound) => resolve(bound));
    });
    const address = `127.0.0.1:${port}`;
    const client = new grpc.Client(address, grpc.credentials.createInsecure());
    const stream = client.makeBidiStreamRequest('/echo', asIs, asIs);
    const broken = new Promise((resolve) => stream.on('error', resolve));
    const echo = () =>
      new Promise((resolve) => {
        stream.once('data', resolve);
        stream.write(Buffer.from('still there'));
      });
    await echo();
    let isClosed = false;
    const closed = new Promise<void>((resolve) => {
      server.tryShutdown(() => resolve());
    }).then(() => {
      isClosed = true;
    });
    await echo();
    server.forceShutdown();
    await echo();
    expect(isClosed).toBe(false);
    stream.cancel();
    await broken;
    await closed;
    client.close();
  });
});
