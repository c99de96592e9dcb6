import { once } from 'node:events';
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { connect, type IssuerOptions } from './index.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem({ natsUrl: undefined });
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

describe('an issuer', () => {
  it('lets single parcels travel together over one stream', async () => {
    await using it = open();
    const refs = Array.from({ length: 1_000 }, (_, i) => `TOGETHER-${i}`);
    const numbers = await Promise.all(refs.map((ref) => it.number(ref)));
    expect(new Set(numbers).size).toBe(1_000);
    expect(await stored('TOGETHER-')).toEqual(new Map(refs.map((ref, i) => [ref, numbers[i]])));
    await it.issuer.close();
    await vi.waitFor(() => expect(calls(shop, 'IssueWaybillStream')).toHaveLength(1));
    const [line] = calls(shop, 'IssueWaybillStream');
    expect(line).toMatchObject({ code: 'OK' });
    expect(line?.['requests']).toBeLessThan(100);
  });

  it('rejects a bad parcel as the call for one would, and no other', async () => {
    await using it = open();
    const bad = { ...parcelOf(shop, 'BAD-1'), weightG: -1 };
    const unknown = parcelOf(shop, 'BAD-2', { courierId: 'nobody' });
    const [good, ...failures] = await Promise.allSettled([
      it.number('GOOD'),
      it.issuer.issue(bad),
      it.issuer.issue(unknown),
    ]);
    expect(good.status).toBe('fulfilled');
    const alone = system.waybill(shop.apiKey);
    for (const [i, parcel] of [bad, unknown].entries()) {
      const expected = await alone.issueWaybill({ parcel }).catch((error: unknown) => error);
      const { reason, field, textEn, textZh, metadata, retryable } = expected as Failure;
      const given = (failures[i] as PromiseRejectedResult).reason;
      expect(given).toMatchObject({ reason, field, textEn, textZh, metadata, retryable });
    }
  });

  it('rejects a parcel that cannot be sent, and no other', async () => {
    await using it = open();
    const odd = it.issuer.issue({ ...parcelOf(shop, 'ODD'), weightG: 'heavy' as never });
    const large = it.issuer.issue(parcelOf(shop, 'LARGE', { remark: '大'.repeat(10_000) }));
    const good = it.number('NOT-ODD');
    await expect(odd).rejects.toThrow(/weight_g/);
    await expect(large).rejects.toMatchObject({ reason: 'LIMIT_EXCEEDED', field: 'parcel_bytes' });
    expect(await good).toMatch(/^Q/);
  });

  it('makes callers wait while its window is full, and refuses those who do not', async () => {
    await using it = open({ window: 10 });
    const calls = Array.from({ length: 10 }, (_, i) => it.number(`WINDOW-${i}`));
    let isReady = false;
    const ready = it.issuer.ready().then(() => {
      isReady = true;
    });
    const more = Array.from({ length: 10 }, (_, i) => it.number(`WINDOW-${10 + i}`));
    await expect(it.number('TOO-MUCH')).rejects.toMatchObject({ reason: 'OVERLOADED' });
    expect(isReady).toBe(false);
    expect(new Set(await Promise.all([...calls, ...more])).size).toBe(20);
    await ready;
    expect(isReady).toBe(true);
  });

  it('holds no more than its window for a caller that asks before each', async () => {
    await using it = open({ window: 50 });
    let openCount = 0;
    let openMax = 0;
    const numbers: Promise<string>[] = [];
    for (let i = 0; i < 500; i++) {
      await it.issuer.ready();
      openCount += 1;
      openMax = Math.max(openMax, openCount);
      numbers.push(it.number(`ASKED-${i}`).finally(() => (openCount -= 1)));
    }
    expect(new Set(await Promise.all(numbers)).size).toBe(500);
    expect(openMax).toBeLessThanOrEqual(51);
  });

  it('lets one parcel go by its signal', async () => {
    await using it = open();
    const leaving = new AbortController();
    const left = it.issuer.issue(parcelOf(shop, 'LEFT'), { signal: leaving.signal });
    const kept = it.number('KEPT');
    leaving.abort();
    await expect(left).rejects.toMatchObject({ reason: 'CALL_CANCELLED' });
    expect(await kept).toMatch(/^Q/);
  });

  it('answers all before it closes, and takes nothing after', async () => {
    const it = open();
    const calls = Array.from({ length: 300 }, (_, i) => it.number(`CLOSE-${i}`));
    let answeredCount = 0;
    for (const call of calls) void call.then(() => (answeredCount += 1));
    await it.issuer.close();
    expect(answeredCount).toBe(300);
    await expect(it.number('LATE')).rejects.toMatchObject({ reason: 'CALL_CANCELLED' });
    it.client.close();
  });

  it('ends at once with its signal or its client', async () => {
    const ending = new AbortController();
    const first = open({ signal: ending.signal });
    const second = open();
    const calls = [first.number('END-1'), second.number('END-2')].map((call) =>
      expect(call).rejects.toMatchObject({ reason: 'CALL_CANCELLED' }),
    );
    ending.abort();
    second.client.close();
    await Promise.all(calls);
    await expect(first.number('END-3')).rejects.toMatchObject({ reason: 'CALL_CANCELLED' });
    first.client.close();
  });

  it('says at once that its key opens nothing', async () => {
    await using it = open({}, { apiKey: 'qq_wrong' });
    const calls = ['K-1', 'K-2'].map((ref) => it.number(ref));
    for (const call of calls)
      await expect(call).rejects.toMatchObject({ reason: 'API_KEY_INVALID' });
  });

  it('sends batches where the server takes no stream', async () => {
    const busy = await seedMerchant(system);
    const client = system.waybill(busy.apiKey);
    const streams = Array.from({ length: 16 }, () => client.issueWaybillStream(nothing()));
    await Promise.all(streams.map((stream) => stream.next()));
    await using it = open({}, busy);
    const numbers = Array.from({ length: 300 }, (_, i) => it.number(`BATCH-${i}`, busy));
    expect(new Set(await Promise.all(numbers)).size).toBe(300);
    expect(calls(busy, 'IssueWaybills').length).toBeGreaterThan(1);
    for (const stream of streams) await stream.return?.();
  });

  it('gives up in the end when nobody answers', async () => {
    const nowhere = connect('127.0.0.1:1', shop.apiKey);
    const issuer = nowhere.issuer({ giveUpAfterMs: 300 });
    const call = issuer.issue(parcelOf(shop, 'NOWHERE'));
    await expect(call).rejects.toMatchObject({ reason: 'DEPENDENCY_DOWN' });
    await issuer.close();
    nowhere.close();
  });
});

describe('an issuer under load', () => {
  it('loses no parcel and doubles none while the server restarts', async () => {
    await using other = await testSystem({ natsUrl: undefined });
    const seeded = await seedMerchant(other);
    const client = connect(other.address, seeded.apiKey);
    await using issuer = client.issuer({ window: 200 });
    let restarting: Promise<void> = Promise.resolve();
    let restartCount = 0;
    const answers = await drawMany(issuer, seeded, 3_000, (answeredCount) => {
      if (restartCount >= 3 || answeredCount < (restartCount + 1) * 500) return;
      restartCount += 1;
      restarting = restarting.then(() => other.restart());
    });
    await restarting;
    expect(restartCount).toBe(3);
    expect(await storedIn(other, 'LOAD-')).toEqual(answers);
  });

  it('loses no parcel and doubles none while its connection is cut', async () => {
    await using proxy = await openProxy(system.address);
    const client = connect(proxy.address, shop.apiKey);
    await using issuer = client.issuer({ window: 200 });
    let cutCount = 0;
    const answers = await drawMany(issuer, shop, 3_000, (answeredCount) => {
      if (answeredCount < (cutCount + 1) * 250) return;
      cutCount += 1;
      proxy.cut();
    });
    expect(cutCount).toBeGreaterThan(5);
    expect(await stored('LOAD-')).toEqual(answers);
  });

  it('asks anew when its connection has gone silent', async () => {
    await using proxy = await openProxy(system.address);
    const client = connect(proxy.address, shop.apiKey);
    await using issuer = client.issuer({ answerMaxMs: 200 });
    await issuer.issue(parcelOf(shop, 'SILENT-1'));
    proxy.freeze();
    const { waybillNumber } = await issuer.issue(parcelOf(shop, 'SILENT-2'));
    expect(await stored('SILENT-2')).toEqual(new Map([['SILENT-2', waybillNumber]]));
  });
});

type Failure = Record<'reason' | 'field' | 'textEn' | 'textZh' | 'metadata' | 'retryable', unknown>;

function open(options: IssuerOptions = {}, { apiKey }: { apiKey: string } = shop) {
  const client = connect(system.address, apiKey);
  const issuer = client.issuer(options);
  return {
    client,
    issuer,
    number: (orderRef: string, seeded = shop) =>
      issuer.issue(parcelOf(seeded, orderRef)).then(({ waybillNumber }) => waybillNumber),
    async [Symbol.asyncDispose]() {
      await issuer.close();
      client.close();
    },
  };
}

/** The numbers of many parcels, by order; tells after each how many there are. */
async function drawMany(
  issuer: ReturnType<typeof open>['issuer'],
  seeded: SeededMerchant,
  count: number,
  onAnswer: (answeredCount: number) => void,
): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const calls: Promise<void>[] = [];
  for (let i = 0; i < count; i++) {
    await issuer.ready();
    const orderRef = `LOAD-${i}`;
    const call = issuer.issue(parcelOf(seeded, orderRef)).then(({ waybillNumber }) => {
      answers.set(orderRef, waybillNumber);
      onAnswer(answers.size);
    });
    calls.push(call);
  }
  await Promise.all(calls);
  return answers;
}

function stored(prefix: string): Promise<Map<string, string>> {
  return storedIn(system, prefix);
}

async function storedIn({ database }: TestSystem, prefix: string): Promise<Map<string, string>> {
  const rows = await database.query<{ order_ref: string; waybill_number: string }>(
    'select order_ref, waybill_number from waybill.waybill where starts_with(order_ref, $1)',
    [prefix],
  );
  const numbers = new Map(rows.map((row) => [row.order_ref, row.waybill_number]));
  expect(numbers.size).toBe(rows.length);
  return numbers;
}

function calls({ merchantId }: SeededMerchant, name: string): Record<string, unknown>[] {
  return system
    .logged()
    .split('\n')
    .filter((line) => line.includes(`WaybillService/${name}"`))
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line['identity_id'] === merchantId);
}

/** Requests of a caller that opens a stream and says nothing. */
function nothing(): AsyncIterable<object> {
  return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }) };
}

/** Passes bytes on; cuts all that is open, or swallows what goes over it. */
async function openProxy(target: string) {
  const [host = '', port] = target.split(':');
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTcp(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        for (const other of [near, far]) other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
