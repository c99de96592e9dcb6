import { expect, test } from 'vitest';
import { ApiKey_State } from '#proto/queqiao/network/v1/api_key';
import { apiKey, fault, merchant, NOW, startNetwork, timestamp } from '../test-network.ts';

test('ends a key for good; again answers the same and announces nothing', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createApiKey({ apiKey: apiKey('key-1') });
  const first = await operator.revokeApiKey({ apiKeyId: 'key-1' });
  expect(first.apiKey).toMatchObject({
    apiKeyId: 'key-1',
    state: ApiKey_State.REVOKED,
    revokeTime: timestamp(NOW),
  });
  network.clock.tick(1_000);
  expect(await operator.revokeApiKey({ apiKeyId: 'key-1' })).toEqual(first);
  const announced = (await network.events()).filter(({ kind }) => kind === 'api_key');
  expect(announced.map(({ version }) => version)).toEqual([1n, 2n]);
});

test('announces once what several revoke at once', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createApiKey({ apiKey: apiKey('key-1') });
  const call = () => operator.revokeApiKey({ apiKeyId: 'key-1' });
  const outcomes = await network.atOnce('api_key', Array(6).fill(call));
  expect(outcomes[0]).toMatchObject({ status: 'fulfilled' });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  expect((await network.events()).filter(({ kind }) => kind === 'api_key')).toHaveLength(2);
});

test('names the field at fault and the key that is not there', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  expect(await fault(operator.revokeApiKey({}))).toMatchObject({
    field: 'api_key_id',
    problem: 'REQUIRED',
  });
  expect(await fault(operator.revokeApiKey({ apiKeyId: 'none' }))).toEqual({
    reason: 'API_KEY_NOT_FOUND',
    field: '',
    id: 'none',
  });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:shop').revokeApiKey({ apiKeyId: 'key-1' });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});
