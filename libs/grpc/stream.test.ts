import { connect, createServer } from 'node:net';
import * as grpc from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { invalid, RpcError } from '#libs/errors';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { failure, gate, startFixture, withKey } from './fixture.ts';
import { type Handlers, implement, type Limits } from './index.ts';
import { fromServiceError } from './status.ts';

const METHOD = 'queqiao.waybill.v1.WaybillService/IssueWaybillStream';

describe('a stream', () => {
  it('carries requests there and answers back, in any order', async () => {
    await using it = await startStream(async function* (requests) {
      const names: string[] = [];
      for await (const { merchantId } of requests) names.push(merchantId);
      for (const name of names.reverse()) yield answer(name);
    });
    const answers = it.client().issueWaybillStream(requestsOf('甲', 'b', 'c'));
    expect(await namesIn(answers)).toEqual(['c', 'b', '甲']);
  });

  it('answers while it is still being asked', async () => {
    await using it = await startStream(echo);
    const { requests, send, end } = source();
    const answers = it.client().issueWaybillStream(requests);
    for (const name of ['one', 'two', 'three']) {
      send(name);
      expect(await nextName(answers)).toBe(name);
    }
    end();
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });

  it('may carry nothing', async () => {
    await using it = await startStream(echo);
    expect(await namesIn(it.client().issueWaybillStream(requestsOf()))).toEqual([]);
  });

  it('has one line in the log, with what went over it', async () => {
    await using it = await startStream(echo);
    await namesIn(it.client().issueWaybillStream(requestsOf('a', 'b', 'c')));
    const line = { method: METHOD, code: 'OK', identity_id: 'operator-1', requests: 3 };
    expect(it.calls()).toMatchObject([{ ...line, responses: 3 }]);
  });

  it('is refused without a key, with a wrong one and without the scope', async () => {
    await using it = await startStream(echo);
    const open = (apiKey: string) => it.client().issueWaybillStream(requestsOf(), { apiKey });
    expect((await failure(open('wrong-key').next())).reason).toBe('API_KEY_INVALID');
    expect((await failure(open('courier-key').next())).reason).toBe('SCOPE_MISSING');
  });

  it.each([
    ['an error with a reason', invalid('items', 'REQUIRED'), 'FIELD_INVALID'],
    ['any other', new Error('CANARY'), 'INTERNAL'],
  ])('ends with %s of its handler', async (_, error, reason) => {
    await using it = await startStream(async function* () {
      yield answer('first');
      throw error;
    });
    const answers = it.client().issueWaybillStream(source().requests);
    expect(await nextName(answers)).toBe('first');
    expect((await failure(answers.next())).reason).toBe(reason);
    expect(it.calls()).toMatchObject([{ reason }]);
  });

  it('ends when a message cannot be read', async () => {
    await using it = await startStream(echo);
    const stream = openRaw(it.raw());
    stream.write(Buffer.from('0a02ff41', 'hex'));
    const error = await ended(stream);
    expect(fromServiceError(error, '')).toMatchObject({ reason: 'FIELD_INVALID' });
  });

  it('ends when a message is too large', async () => {
    await using it = await startStream(echo);
    const stream = openRaw(it.raw());
    stream.write(Buffer.alloc(5 * 1024 * 1024));
    const error = await ended(stream);
    expect(fromServiceError(error, '')).toMatchObject({ reason: 'LIMIT_EXCEEDED' });
  });
});

describe('the places of streams', () => {
  it('are so many for each caller', async () => {
    await using it = await startStream(echo, { streamsPerIdentityMax: 2 });
    const client = it.client();
    const leaving = new AbortController();
    const first = await opened(client, { signal: leaving.signal });
    await opened(client);
    const third = await failure(client.issueWaybillStream(source().requests).next());
    expect(third).toMatchObject({ reason: 'LIMIT_EXCEEDED', metadata: { limit: 'streams' } });
    await opened(client, { apiKey: 'merchant-key' });
    leaving.abort();
    expect((await failure(first.next())).reason).toBe('CALL_CANCELLED');
    await vi.waitFor(() => opened(client));
    // Would wait for ever if the refused one had given back a place that it did not hold.
    await it.server.stop({ graceMs: 60_000 });
  });

  it('are not among the calls in flight, but their work is', async () => {
    const held = gate();
    const started = gate();
    await using it = await startStream(
      async function* (requests, { work }) {
        for await (const { merchantId } of requests)
          yield await work(async () => answer(merchantId));
      },
      { inFlightMax: 1 },
      async () => {
        started.open();
        await held.opened;
        return {};
      },
    );
    const client = it.client();
    const { requests, send } = source();
    const answers = client.issueWaybillStream(requests);
    send('one');
    expect(await nextName(answers)).toBe('one');
    const running = client.getWaybill({});
    await started.opened;
    send('two');
    let isAnswered = false;
    const second = nextName(answers).then((name) => {
      isAnswered = true;
      return name;
    });
    expect((await failure(client.getWaybill({}))).reason).toBe('OVERLOADED');
    expect(isAnswered).toBe(false);
    held.open();
    await running;
    expect(await second).toBe('two');
  });
});

describe('the flow of a stream', () => {
  const big = 'x'.repeat(16 * 1024);

  it('stops at the caller when the handler does not ask for more', async () => {
    const held = gate();
    await using it = await startStream(async function* (requests) {
      for await (const _ of requests) {
        yield answer('read');
        await held.opened;
      }
    });
    let sentCount = 0;
    async function* flood() {
      for (; sentCount < 2_000; sentCount += 1) yield { merchantId: big };
    }
    const answers = it.client().issueWaybillStream(flood());
    await nextName(answers);
    const settledCount = await settled(() => sentCount);
    expect(settledCount).toBeLessThan(500);
    held.open();
    for await (const _ of answers) if (sentCount === 2_000) break;
    expect(sentCount).toBe(2_000);
  });

  it('stops at the handler when the caller does not read', async () => {
    let madeCount = 0;
    await using it = await startStream(async function* () {
      for (; madeCount < 2_000; madeCount += 1) yield answer(big);
    });
    const answers = it.client().issueWaybillStream(source().requests);
    await nextName(answers);
    const settledCount = await settled(() => madeCount);
    expect(settledCount).toBeLessThan(500);
    let readCount = 1;
    for await (const _ of answers) readCount += 1;
    expect(readCount).toBe(2_000);
  });
});

describe('the end of a stream', () => {
  it('comes to its handler when the caller leaves', async () => {
    const reasons: string[] = [];
    await using it = await startStream(async function* (requests) {
      try {
        for await (const { merchantId } of requests) yield answer(merchantId);
      } catch (error) {
        reasons.push((error as RpcError).reason);
        throw error;
      }
    });
    const { requests, send } = source();
    send('only');
    for await (const _ of it.client().issueWaybillStream(requests)) break;
    await vi.waitFor(() => expect(it.calls()).toMatchObject([{ code: 'CANCELLED' }]));
    await vi.waitFor(() => expect(reasons).toEqual(['CALL_CANCELLED']));
  });

  it('comes at a deadline only if the caller sets one', async () => {
    await using it = await startStream(echo, { deadlineMaxMs: 1 });
    const client = it.client();
    await opened(client);
    const timed = client.issueWaybillStream(source().requests, { deadlineMs: 150 });
    expect((await failure(timed.next())).reason).toBe('DEADLINE_EXCEEDED');
    expect(it.calls()).toHaveLength(1);
  });

  it.each([
    ['old', { streamAgeMaxMs: 100 }],
    ['idle', { streamIdleMaxMs: 100 }],
  ])('comes in order when it is %s: what was accepted is answered', async (_, limits) => {
    await using it = await startStream(async function* (requests) {
      const names: string[] = [];
      for await (const { merchantId } of requests) names.push(merchantId);
      for (const name of names) yield answer(name);
    }, limits);
    const { requests, send } = source();
    const answers = it.client().issueWaybillStream(requests);
    send('accepted');
    expect(await nextName(answers)).toBe('accepted');
    expect(await failure(answers.next())).toMatchObject({
      reason: 'STREAM_MOVED',
      code: grpc.status.UNAVAILABLE,
      retryable: true,
    });
    expect(it.calls()).toMatchObject([{ code: 'UNAVAILABLE', reason: 'STREAM_MOVED' }]);
  });

  it('comes in order when the server stops', async () => {
    const held = gate();
    const accepted = gate();
    await using it = await startStream(async function* (requests) {
      for await (const { merchantId } of requests) {
        accepted.open();
        await held.opened;
        yield answer(merchantId);
      }
    });
    const { requests, send } = source();
    const answers = it.client().issueWaybillStream(requests);
    send('accepted');
    await accepted.opened;
    send('too late');
    const stopping = it.server.stop({ graceMs: 60_000 });
    held.open();
    expect(await nextName(answers)).toBe('accepted');
    expect((await failure(answers.next())).reason).toBe('STREAM_MOVED');
    await stopping;
  });

  it('comes when the connection has gone silent', async () => {
    await using it = await startStream(echo, { keepaliveMs: 100 });
    await using proxy = await freezableProxy(it.server.address);
    const client = it.connect(WaybillService, { address: proxy.address });
    await opened(client);
    proxy.freeze();
    await vi.waitFor(() => expect(it.calls()).toMatchObject([{ code: 'CANCELLED' }]));
  });
});

async function startStream(
  issueWaybillStream: StreamHandler,
  limits: Partial<Limits> = {},
  getWaybill: () => Promise<object> = async () => ({}),
) {
  const refuse = () => {
    throw new RpcError('METHOD_UNKNOWN');
  };
  const names = WaybillService.methods.map(({ localName }) => [localName, refuse]);
  const all = Object.fromEntries(names) as Handlers<typeof WaybillService>;
  const services = [implement(WaybillService, { ...all, issueWaybillStream, getWaybill })];
  const fixture = await startFixture({}, { services, limits });
  return Object.assign(fixture, { client: () => fixture.connect(WaybillService) });
}

async function* echo(requests: Parameters<StreamHandler>[0]) {
  for await (const { merchantId } of requests) yield answer(merchantId);
}

function answer(name: string) {
  return { outcomes: [{ itemId: name }] };
}

async function* requestsOf(...names: string[]) {
  for (const merchantId of names) yield { merchantId };
}

/** Requests that the test sends one by one. */
function source() {
  const waiting: string[] = [];
  let wake = () => {};
  let isEnded = false;
  async function* requests() {
    for (;;) {
      const merchantId = waiting.shift();
      if (merchantId !== undefined) yield { merchantId };
      else if (isEnded) return;
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  }
  return {
    requests: requests(),
    send(name: string) {
      waiting.push(name);
      wake();
    },
    end() {
      isEnded = true;
      wake();
    },
  };
}

type Answers = AsyncIterableIterator<{ outcomes: { itemId: string }[] }>;

async function nextName(answers: Answers): Promise<string | undefined> {
  return (await answers.next()).value?.outcomes[0]?.itemId;
}

async function namesIn(answers: Answers): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = [];
  for await (const { outcomes } of answers) names.push(outcomes[0]?.itemId);
  return names;
}

/** A stream on which one request has been answered. */
async function opened(
  client: { issueWaybillStream(requests: AsyncIterable<object>, options?: object): Answers },
  options: object = {},
): Promise<Answers> {
  const { requests, send } = source();
  const answers = client.issueWaybillStream(requests, options);
  send('opened');
  expect(await nextName(answers)).toBe('opened');
  return answers;
}

/** The value once it has stopped to grow. */
async function settled(read: () => number): Promise<number> {
  let before = -1;
  await vi.waitFor(
    () => {
      const now = read();
      const isSettled = now === before;
      before = now;
      expect(isSettled).toBe(true);
    },
    { interval: 100 },
  );
  return before;
}

function openRaw(raw: grpc.Client): grpc.ClientDuplexStream<Buffer, Buffer> {
  const asIs = (bytes: Buffer) => bytes;
  return raw.makeBidiStreamRequest(`/${METHOD}`, asIs, asIs, withKey('operator-key'));
}

function ended(stream: grpc.ClientDuplexStream<Buffer, Buffer>): Promise<grpc.ServiceError> {
  return new Promise((resolve) => {
    stream.on('data', () => undefined);
    stream.on('error', (error) => resolve(error as grpc.ServiceError));
  });
}

/** Passes bytes on until it freezes; then nothing moves, as when a machine is unplugged. */
async function freezableProxy(target: string) {
  const [host, port] = target.split(':');
  const sockets: ReturnType<typeof connect>[] = [];
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) socket.on('error', () => undefined);
    near.pipe(far);
    far.pipe(near);
    sockets.push(near, far);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as { port: number }).port}`,
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type StreamHandler = Handlers<typeof WaybillService>['issueWaybillStream'];
