import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { startTestNats } from '#test/support/nats';
import { consuming, eventsOf, numberOf, openBus, openJetStream } from './fixture.ts';
import { openProxy } from './proxy.fixture.ts';
import { serverOptions } from './server-url.ts';
import { ensureStream } from './streams.ts';

const SOON = { timeout: 25_000, interval: 10 };

describe('connecting', () => {
  it('goes on by itself when a server that was away at start arrives', async () => {
    await using nats = await startTestNats();
    await nats.stop();
    await using bus = openBus(nats.url);
    const got: number[] = [];
    bus.consume(consuming({ handle: async (event) => void got.push(numberOf(event)) }));
    await vi.waitFor(() => expect(bus.lines.join('')).toContain('connection refused'), SOON);
    expect(bus.connected).toBe(false);
    expect(bus.serverVersion).toBeUndefined();
    await nats.start();
    await bus.whenConnected();
    expect(bus.connected).toBe(true);
    expect(bus.serverVersion).toMatch(/^\d+\.\d+/);
    await bus.publish(eventsOf('zto', 3));
    await vi.waitFor(() => expect(got).toEqual([0, 1, 2]), SOON);
  });

  it('says once that the server is away, and once that it is back', async () => {
    await using nats = await startTestNats();
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    await nats.stop();
    const said = () => bus.lines.map((line) => JSON.parse(line).msg as string);
    await vi.waitFor(() => expect(said().join()).toContain('NATS is away'), SOON);
    await nats.start();
    await bus.whenConnected();
    await vi.waitFor(() => expect(said().at(-1)).toBe('connected to NATS'), SOON);
    const isOld = said()[0]?.includes('older than 2.10') ?? false;
    expect(said().slice(isOld ? 1 : 0)).toEqual([
      'connected to NATS',
      'connection to NATS lost',
      'NATS is away: connection refused; events wait',
      'connected to NATS',
    ]);
    const [major = 0, minor = 0] = (bus.serverVersion ?? '').split('.').map(Number);
    expect(isOld).toBe(major === 2 && minor < 10);
  });

  it('notices a connection that is silent without being closed', async () => {
    await using nats = await startTestNats();
    await using proxy = await openProxy(nats.url);
    await using bus = openBus(proxy.url, { pingIntervalMs: 100 });
    const got: number[] = [];
    bus.consume(consuming({ handle: async (event) => void got.push(numberOf(event)) }));
    await bus.whenConnected();
    await bus.publish(eventsOf('zto', 1));
    proxy.freeze();
    await vi.waitFor(() => expect(bus.connected).toBe(false), SOON);
    proxy.thaw();
    await vi.waitFor(() => bus.publish(eventsOf('zto', 3)), SOON);
    await vi.waitFor(() => expect(got).toEqual([0, 0, 1, 2]), SOON);
  });

  it('refuses a server without JetStream and says how to start it', async () => {
    await using server = await fakeServer({ version: '2.12.0', headers: true, max_payload: 1 });
    await using bus = openBus(server.url);
    await vi.waitFor(() => expect(bus.lines.join('')).toContain('start it with -js'), SOON);
    expect(bus.connected).toBe(false);
  });

  it('puts the streams in place as declared, and back after a change by hand', async () => {
    await using nats = await startTestNats();
    {
      await using bus = openBus(nats.url);
      await bus.whenConnected();
    }
    await using js = await openJetStream(nats.url);
    const { config } = await js.manager.streams.info('QUEQIAO_NETWORK');
    expect(config).toMatchObject({
      subjects: ['queqiao.v1.network.>'],
      storage: 'file',
      retention: 'limits',
      discard: 'old',
      max_age: 172_800e9,
      duplicate_window: 120e9,
      max_msg_size: 1_048_576,
      num_replicas: 1,
    });
    await js.manager.streams.update('QUEQIAO_NETWORK', { max_age: 3_600e9, max_msg_size: 10 });
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    const again = await js.manager.streams.info('QUEQIAO_NETWORK');
    expect(again.config).toEqual(config);
  });

  it('leaves a stream alone that is as declared', async () => {
    await using nats = await startTestNats();
    await using bus = openBus(nats.url);
    await bus.whenConnected();
    await using js = await openJetStream(nats.url);
    const update = vi.spyOn(js.manager.streams, 'update');
    await ensureStream(js.manager, 'QUEQIAO_WAYBILL');
    expect(update).not.toHaveBeenCalled();
  });

  it('keeps away from a stream of its name that it cannot use', async () => {
    await using nats = await startTestNats();
    await using js = await openJetStream(nats.url);
    const subjects = ['queqiao.v1.network.>'];
    await js.manager.streams.add({ name: 'QUEQIAO_NETWORK', subjects, storage: 'memory' });
    await using bus = openBus(nats.url);
    await vi.waitFor(() => expect(bus.lines.join('')).toContain('nats stream rm'), SOON);
    expect(bus.connected).toBe(false);
    await js.manager.streams.delete('QUEQIAO_NETWORK');
    await bus.whenConnected();
  });

  it('ends while the server is away, and when it is silent', async () => {
    await using nats = await startTestNats();
    await using proxy = await openProxy(nats.url);
    const silent = openBus(proxy.url);
    await silent.whenConnected();
    proxy.freeze();
    await silent[Symbol.asyncDispose]();
    // Never gets as far as a greeting.
    await openBus(proxy.url)[Symbol.asyncDispose]();
    await nats.stop();
    const away = openBus(nats.url);
    const waiting = away.whenConnected();
    await away[Symbol.asyncDispose]();
    await expect(waiting).rejects.toThrow();
    await expect(away.publish(eventsOf('zto', 1))).rejects.toMatchObject({
      reason: 'DEPENDENCY_DOWN',
    });
    expect(() => away.consume(consuming({}))).toThrow(/closed/);
  });

  it('stops waiting for a connection when its signal is aborted', async () => {
    await using bus = openBus('nats://127.0.0.1:1');
    const abort = new AbortController();
    const waiting = bus.whenConnected(abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});

describe('the NATS URL', () => {
  it('may name several servers, a user, a token and TLS', () => {
    expect(serverOptions('nats://a:4223, b')).toEqual({
      shown: 'a:4223,b:4222',
      options: { servers: ['a:4223', 'b:4222'] },
    });
    expect(serverOptions('tls://me:p%40ss@nats.example').options).toEqual({
      servers: ['nats.example:4222'],
      tls: {},
      user: 'me',
      pass: 'p@ss',
    });
    expect(serverOptions('nats://s3cret@h').options).toMatchObject({ token: 's3cret' });
  });

  it('is never shown with its password, not even when it is wrong', () => {
    expect(serverOptions('nats://me:CANARY@h').shown).not.toContain('CANARY');
    for (const wrong of ['http://me:CANARY@h', 'nats://me:CANARY@h:port', '', 'nats://']) {
      expect(() => serverOptions(wrong)).toThrow(/must look like/);
      expect(() => serverOptions(wrong)).not.toThrow(/CANARY/);
    }
  });
});

/** Greets as a NATS server and answers pings, and nothing else. */
async function fakeServer(info: object): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on('data', (bytes) => bytes.includes('PING') && socket.write('PONG\r\n'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, 'close');
    },
  };
}
