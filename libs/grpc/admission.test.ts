import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it, vi } from 'vitest';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { refuseLargeMetadata, shortened } from './admission.ts';
import {
  failure,
  GET_MERCHANT,
  gate,
  openWithoutBody,
  SERVICE_SECRET,
  sendRaw,
  startFixture,
  untilAborted,
} from './fixture.ts';
import { METHOD_SCOPES, serviceToken } from './index.ts';
import { fromServiceError } from './status.ts';

const WAYBILL_SERVICE = { serviceName: 'waybill', secret: SERVICE_SECRET };

describe('identity', () => {
  it('is asked for', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const error = await sendRaw(it.raw(), Buffer.alloc(0), { metadata: new Metadata() });
    expect(error?.code).toBe(status.UNAUTHENTICATED);
    expect(fromServiceError(error as ServiceError, '').reason).toBe('API_KEY_MISSING');
  });

  it.each(['Basic abc', 'Bearer ', 'Bearer a b', 'operator-key'])(
    'is not read from "%s"',
    async (header) => {
      await using it = await startFixture({ getMerchant: () => ({}) });
      const metadata = new Metadata();
      metadata.set('authorization', header);
      const error = await sendRaw(it.raw(), Buffer.alloc(0), { metadata });
      expect(fromServiceError(error as ServiceError, '').reason).toBe('API_KEY_MISSING');
    },
  );

  it('is refused if nobody knows the key', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const error = await failure(it.client.getMerchant({}, { apiKey: 'wrong-key' }));
    expect(error).toMatchObject({ code: status.UNAUTHENTICATED, reason: 'API_KEY_INVALID' });
  });

  it('comes from a function at each call, if the client was given one', async () => {
    const keys = ['operator-key', 'merchant-key'];
    await using it = await startFixture({ getMerchant: () => ({}) });
    const client = it.connect(NetworkService, {
      credentials: { apiKey: () => keys.shift() ?? '' },
    });
    await client.getMerchant({});
    await client.getMerchant({});
    expect(it.calls()).toMatchObject([
      { identity_kind: 'operator', identity_id: 'operator-1' },
      { identity_kind: 'merchant', identity_id: 'merchant-1' },
    ]);
  });
});

describe('a service of Queqiao', () => {
  const options = { serviceSecret: SERVICE_SECRET };

  it('proves itself by a token that it makes', async () => {
    await using it = await startFixture({ authenticateApiKey: () => ({}) }, options);
    const client = it.connect(NetworkService, { credentials: WAYBILL_SERVICE });
    await client.authenticateApiKey({ secret: 'x' });
    expect(it.calls()).toMatchObject([{ identity_kind: 'service', identity_id: 'waybill' }]);
  });

  it('is refused with a forged token and with an old one', async () => {
    await using it = await startFixture({ authenticateApiKey: () => ({}) }, options);
    const sixMinutesAgo = new Date(Date.now() - 360_000);
    for (const apiKey of [
      serviceToken('a secret that somebody guessed', 'waybill', new Date()),
      serviceToken(SERVICE_SECRET, 'waybill', sixMinutesAgo),
    ]) {
      const error = await failure(it.client.authenticateApiKey({}, { apiKey }));
      expect(error.reason).toBe('API_KEY_INVALID');
    }
  });

  it('is nobody where no secret is set', async () => {
    await using it = await startFixture({ authenticateApiKey: () => ({}) });
    const client = it.connect(NetworkService, { credentials: WAYBILL_SERVICE });
    expect((await failure(client.authenticateApiKey({}))).reason).toBe('API_KEY_INVALID');
  });
});

describe('scope', () => {
  it('is needed for the method', async () => {
    await using it = await startFixture({ getMerchant: () => ({}), createMerchant: () => ({}) });
    expect(await failure(it.client.getMerchant({}, { apiKey: 'poor-key' }))).toMatchObject({
      code: status.PERMISSION_DENIED,
      reason: 'SCOPE_MISSING',
      metadata: { scope: 'network.read' },
      textZh: '该 API 密钥没有权限 network.read',
    });
    const merchant = { apiKey: 'merchant-key' };
    expect(await it.client.getMerchant({}, merchant)).toBeDefined();
    expect(await failure(it.client.createMerchant({}, merchant))).toMatchObject({
      metadata: { scope: 'network.write' },
    });
  });

  it('does not help a kind that may not hold it', async () => {
    const scopes = new Set(['key.authenticate']);
    const authenticate = async () => ({ kind: 'operator' as const, id: '', scopes, keyId: 'k' });
    await using it = await startFixture({ authenticateApiKey: () => ({}) }, { authenticate });
    expect((await failure(it.client.authenticateApiKey({}))).reason).toBe('SCOPE_MISSING');
  });

  it('is refused to everybody for a method that is not in the table', async () => {
    const { [GET_MERCHANT]: _, ...scopes } = METHOD_SCOPES;
    await using it = await startFixture({ getMerchant: () => ({}) }, { scopes });
    expect(await failure(it.client.getMerchant({}))).toMatchObject({ reason: 'SCOPE_MISSING' });
  });
});

describe('calls in flight', () => {
  it('beyond the limit are refused at once and told when to come back', async () => {
    const held = gate();
    let runningCount = 0;
    const getMerchant = async () => {
      runningCount += 1;
      await held.opened;
      return {};
    };
    await using it = await startFixture({ getMerchant }, { limits: { inFlightMax: 2 } });
    const first = [it.client.getMerchant({}), it.client.getMerchant({})];
    await vi.waitFor(() => expect(runningCount).toBe(2));
    const error = await failure(it.client.getMerchant({}));
    expect(error).toMatchObject({ reason: 'OVERLOADED', code: status.RESOURCE_EXHAUSTED });
    expect(error.retryAfterMs).toBeGreaterThan(0);
    held.open();
    await Promise.all(first);
    await vi.waitFor(() => it.client.getMerchant({}));
    expect(runningCount).toBe(3);
  });

  it('of our own services are taken beyond the limit: others may be waiting for them', async () => {
    const held = gate();
    let runningCount = 0;
    const getMerchant = async ({ merchantId }: { merchantId: string }) => {
      runningCount += 1;
      if (merchantId === 'held') await held.opened;
      return {};
    };
    const options = { limits: { inFlightMax: 1 }, serviceSecret: SERVICE_SECRET };
    await using it = await startFixture({ getMerchant }, options);
    const first = it.client.getMerchant({ merchantId: 'held' });
    await vi.waitFor(() => expect(runningCount).toBe(1));
    expect((await failure(it.client.getMerchant({}))).reason).toBe('OVERLOADED');
    await it.connect(NetworkService, { credentials: WAYBILL_SERVICE }).getMerchant({});
    held.open();
    await first;
  });

  it('are refused before their body is there', async () => {
    const held = gate();
    const getMerchant = async () => {
      await held.opened;
      return {};
    };
    await using it = await startFixture({ getMerchant }, { limits: { inFlightMax: 1 } });
    const first = it.client.getMerchant({});
    await vi.waitFor(async () => {
      const error = await openWithoutBody(it.raw());
      expect(error?.code).toBe(status.RESOURCE_EXHAUSTED);
    });
    held.open();
    await first;
  });

  it('count as long as their handler runs, also when they have been answered', async () => {
    const held = gate();
    const started = gate();
    const getMerchant = async () => {
      started.open();
      await held.opened;
      return {};
    };
    await using it = await startFixture({ getMerchant }, { limits: { inFlightMax: 1 } });
    const leaving = new AbortController();
    const first = failure(it.client.getMerchant({}, { signal: leaving.signal }));
    await started.opened;
    leaving.abort();
    expect((await first).reason).toBe('CALL_CANCELLED');
    await vi.waitFor(() => expect(it.calls()).toMatchObject([{ code: 'CANCELLED' }]));
    expect((await failure(it.client.getMerchant({}))).reason).toBe('OVERLOADED');
    held.open();
    await vi.waitFor(() => it.client.getMerchant({}));
  });

  it('are counted down again, however they end', async () => {
    const getMerchant = ({ merchantId }: { merchantId: string }) => {
      if (merchantId === 'broken') throw new Error('broken');
      return {};
    };
    await using it = await startFixture({ getMerchant }, { limits: { inFlightMax: 1 } });
    for (let round = 0; round < 3; round += 1) {
      await vi.waitFor(() => it.client.getMerchant({}));
      const broken = () => failure(it.client.getMerchant({ merchantId: 'broken' }));
      await vi.waitFor(async () => expect((await broken()).reason).toBe('INTERNAL'));
      const noKey = () => failure(it.client.getMerchant({}, { apiKey: 'wrong-key' }));
      await vi.waitFor(async () => expect((await noKey()).reason).toBe('API_KEY_INVALID'));
    }
  });
});

describe('metadata', () => {
  it('over 8 KiB is refused', async () => {
    await using it = await startFixture({ getMerchant: () => ({}) });
    const error = await failure(it.client.getMerchant({}, { apiKey: 'x'.repeat(9_000) }));
    expect(error).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      reason: 'LIMIT_EXCEEDED',
      metadata: { limit: 'metadata_bytes', allowed: '8192' },
    });
  });

  it('is measured over all values of a name', () => {
    const metadata = new Metadata();
    metadata.add('k', 'x'.repeat(100));
    metadata.add('k', 'x'.repeat(100));
    metadata.add('b-bin', Buffer.alloc(10));
    expect(() => refuseLargeMetadata(metadata, 217)).not.toThrow();
    expect(() => refuseLargeMetadata(metadata, 216)).toThrow('217 given, at most 216 allowed');
  });
});

describe('deadline', () => {
  const waiting = { getMerchant: (_: object, { signal }: Aware) => untilAborted(signal) };

  it('ends a call in time and aborts its handler', async () => {
    let reason: unknown;
    const getMerchant = async (_: object, { signal }: Aware) => {
      await untilAborted(signal).catch((error: unknown) => {
        reason = error;
      });
      return {};
    };
    await using it = await startFixture({ getMerchant });
    const error = await failure(it.client.getMerchant({}, { deadlineMs: 200 }));
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED, reason: 'DEADLINE_EXCEEDED' });
    await vi.waitFor(() => expect(reason).toMatchObject({ reason: 'DEADLINE_EXCEEDED' }));
    // The handler's late answer changes nothing.
    await it.client.getNode({}).catch(() => undefined);
    expect(it.calls().map(({ code }) => code)).toEqual(['DEADLINE_EXCEEDED', 'UNIMPLEMENTED']);
  });

  it('is set for a call that brings none, and capped for one that brings a long one', async () => {
    await using it = await startFixture(waiting, { limits: { deadlineMaxMs: 100 } });
    const error = await sendRaw(it.raw(), Buffer.alloc(0));
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    expect(fromServiceError(error as ServiceError, '').textZh).toMatch(/^调用超时/);
    const long = await failure(it.client.getMerchant({}, { deadlineMs: 3_600_000 }));
    expect(long.reason).toBe('DEADLINE_EXCEEDED');
  });

  it('is 20 ms before the caller’s, and at most the maximum away', () => {
    expect(shortened(5_000, 30_000, 1_000)).toBe(4_980);
    expect(shortened(Number.POSITIVE_INFINITY, 30_000, 1_000)).toBe(31_000);
    expect(shortened(100_000, 30_000, 1_000)).toBe(31_000);
  });

  it('is kept while it is not yet known who calls', async () => {
    const authenticate = () => new Promise<never>(() => undefined);
    await using it = await startFixture(waiting, { authenticate });
    const error = await failure(it.client.getMerchant({}, { deadlineMs: 200 }));
    expect(error.reason).toBe('DEADLINE_EXCEEDED');
  });

  it('that is nearer than a hop is over at once', async () => {
    const getMerchant = vi.fn(() => ({}));
    await using it = await startFixture({ getMerchant });
    const error = await failure(it.client.getMerchant({}, { deadlineMs: 10 }));
    expect(error.reason).toBe('DEADLINE_EXCEEDED');
    expect(getMerchant).not.toHaveBeenCalled();
  });
});

type Aware = { signal: AbortSignal };
