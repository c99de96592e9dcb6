import { describe, expect, test } from 'vitest';
import { ApiKey_State } from '#proto/queqiao/network/v1/api_key';
import {
  apiKey,
  fault,
  merchant,
  NOW,
  startNetwork,
  type TestNetwork,
  timestamp,
} from '../test-network.ts';

const DAY_MS = 24 * 3_600_000;

describe('RotateApiKey', () => {
  test('makes a successor that is the old key but for its secret; ends the old one', async () => {
    await using network = await seeded();
    const rotated = await network
      .as('operator')
      .rotateApiKey({ apiKeyId: 'key-1', successorId: 'key-2' });
    expect(rotated.apiKey).toMatchObject({
      apiKeyId: 'key-2',
      subject: { id: 'shop' },
      scopes: ['waybill.issue', 'waybill.read'],
      state: ApiKey_State.ACTIVE,
      allowedCidrs: ['10.0.0.0/8'],
      limits: { callsPerS: 50, waybillsPerDay: 1_000n },
      predecessorId: 'key-1',
      createTime: timestamp(NOW),
    });
    expect(rotated.apiKey?.expireTime).toBeUndefined();
    expect(rotated.secret).toMatch(/^qq_/);
    const end = timestamp(new Date(NOW.getTime() + DAY_MS));
    expect(rotated.predecessor).toMatchObject({ apiKeyId: 'key-1', expireTime: end });
    const announced = (await network.events()).filter(({ kind }) => kind === 'api_key');
    expect(announced.map(({ id, version }) => `${id} ${version}`)).toEqual([
      'key-1 1',
      'key-2 1',
      'key-1 2',
    ]);
  });

  test('lets both secrets in until the old one’s end, as one for the day’s quota', async () => {
    await using network = await seeded();
    const given = { apiKeyId: 'key-1', successorId: 'key-2', graceDuration: { seconds: 60n } };
    const { secret } = await network.as('operator').rotateApiKey(given);
    const service = network.as('service:waybill');
    const [old, next] = [network.secret, secret];
    const { quotaId } = await service.authenticateApiKey({ secret: old });
    expect(await service.authenticateApiKey({ secret: next })).toMatchObject({
      apiKeyId: 'key-2',
      quotaId,
      allowedCidrs: ['10.0.0.0/8'],
    });
    network.clock.tick(60_000);
    expect(await fault(service.authenticateApiKey({ secret: old }))).toMatchObject({
      reason: 'API_KEY_INVALID',
    });
    expect(await service.authenticateApiKey({ secret: next })).toMatchObject({ apiKeyId: 'key-2' });
  });

  test('gives the successor as long a life as the old key had, or the one asked for', async () => {
    await using network = await seeded();
    const operator = network.as('operator');
    const expireTime = timestamp(new Date(NOW.getTime() + 2 * DAY_MS));
    await operator.createApiKey({ apiKey: apiKey('short', { expireTime }) });
    network.clock.tick(DAY_MS * 1.5);
    const first = await operator.rotateApiKey({ apiKeyId: 'short', successorId: 'short-2' });
    expect(first.apiKey?.expireTime).toEqual(timestamp(new Date(NOW.getTime() + 3.5 * DAY_MS)));
    // No longer than it would have lived.
    expect(first.predecessor?.expireTime).toEqual(expireTime);
    network.clock.tick(DAY_MS);
    const end = timestamp(new Date(NOW.getTime() + 9 * DAY_MS));
    const second = { apiKeyId: 'short-2', successorId: 'short-3', expireTime: end };
    expect((await operator.rotateApiKey(second)).apiKey?.expireTime).toEqual(end);
  });

  test('allows two keys of a line at a time, whichever is rotated', async () => {
    await using network = await seeded();
    const operator = network.as('operator');
    await operator.rotateApiKey({ apiKeyId: 'key-1', successorId: 'key-2' });
    for (const apiKeyId of ['key-1', 'key-2']) {
      const call = operator.rotateApiKey({ apiKeyId, successorId: 'key-3' });
      expect(await fault(call)).toMatchObject({ reason: 'KEY_ROTATING', id: apiKeyId });
    }
    await operator.revokeApiKey({ apiKeyId: 'key-1' });
    const ended = operator.rotateApiKey({ apiKeyId: 'key-1', successorId: 'key-3' });
    expect(await fault(ended)).toMatchObject({ reason: 'KEY_ENDED', id: 'key-1' });
    const third = await operator.rotateApiKey({ apiKeyId: 'key-2', successorId: 'key-3' });
    expect(third.apiKey?.predecessorId).toBe('key-2');
  });

  test('makes one successor of several rotations at once', async () => {
    await using network = await seeded();
    const operator = network.as('operator');
    const calls = Array.from({ length: 6 }, (_, i) => () => {
      return operator.rotateApiKey({ apiKeyId: 'key-1', successorId: `next-${i}` });
    });
    const outcomes = await network.atOnce('api_key', calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const live = await network.db.query('select from network.api_key where revoke_time is null');
    expect(live).toHaveLength(2);
  });

  test('names the field at fault, and what is not there or taken', async () => {
    await using network = await seeded();
    const operator = network.as('operator');
    await operator.createApiKey({ apiKey: apiKey('taken') });
    const good = { apiKeyId: 'key-1', successorId: 'key-2' };
    const faults = [
      [{ ...good, apiKeyId: '' }, 'FIELD_INVALID api_key_id REQUIRED'],
      [{ ...good, successorId: 'Key' }, 'FIELD_INVALID successor_id SLUG'],
      [
        { ...good, graceDuration: { seconds: 31n * 86_400n } },
        'FIELD_INVALID grace_duration OUT_OF_RANGE',
      ],
      [{ ...good, graceDuration: { seconds: -1n } }, 'FIELD_INVALID grace_duration OUT_OF_RANGE'],
      [{ ...good, expireTime: timestamp(NOW) }, 'FIELD_INVALID expire_time IN_THE_PAST'],
      [{ ...good, apiKeyId: 'none' }, 'API_KEY_NOT_FOUND  none'],
      [{ ...good, successorId: 'taken' }, 'RESOURCE_EXISTS  taken'],
    ] as const;
    for (const [request, expected] of faults) {
      const { reason, field, problem, id } = await fault(operator.rotateApiKey(request));
      expect(`${reason} ${field} ${problem ?? id}`).toBe(expected);
    }
    // Nothing half done: the key has no end.
    const { apiKeys } = await operator.listApiKeys({});
    expect(apiKeys.find(({ apiKeyId }) => apiKeyId === 'key-1')?.expireTime).toBeUndefined();
  });
});

describe('last_use_time', () => {
  test('tells within ten minutes when a key was used, and is not written more often', async () => {
    await using network = await seeded();
    const service = network.as('service:waybill');
    const use = async () => {
      await service.authenticateApiKey({ secret: network.secret });
      const { apiKeys } = await network.as('operator').listApiKeys({});
      return apiKeys.find(({ apiKeyId }) => apiKeyId === 'key-1')?.lastUseTime;
    };
    expect(await use()).toEqual(timestamp(NOW));
    const written = async () =>
      (await network.db.query('select xmin::text from network.api_key'))[0];
    const before = await written();
    network.clock.tick(599_000);
    expect(await use()).toEqual(timestamp(NOW));
    expect(await written()).toEqual(before);
    network.clock.tick(1_000);
    expect(await use()).toEqual(timestamp(new Date(NOW.getTime() + 600_000)));
    // Others need not hear of it.
    const announced = (await network.events()).filter(({ kind }) => kind === 'api_key');
    expect(announced).toHaveLength(1);
  });

  test('does not decide whether a key opens anything', async () => {
    await using network = await seeded();
    await network.db.query('revoke update on network.api_key from queqiao_network');
    const service = network.as('service:waybill');
    const answer = await service.authenticateApiKey({ secret: network.secret });
    expect(answer.apiKeyId).toBe('key-1');
  });
});

/** A merchant with key-1, and its secret. */
async function seeded(): Promise<TestNetwork & { secret: string }> {
  const network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  const limits = { callsPerS: 50, waybillsPerDay: 1_000n };
  const given = apiKey('key-1', { allowedCidrs: ['10.0.0.0/8'], limits });
  const { secret } = await operator.createApiKey({ apiKey: given });
  return Object.assign(network, { secret });
}
