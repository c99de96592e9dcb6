import { expect, test } from 'vitest';
import { apiKey, fault, merchant, startNetwork, walk } from '../test-network.ts';

test('walks every key once, in order of its id, without secrets', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  const made = [];
  for (const id of ['key-b', 'key-a', 'key-c']) {
    made.push(await operator.createApiKey({ apiKey: apiKey(id) }));
  }
  const pages = await walk(async (pageToken) => {
    const page = await operator.listApiKeys({ pageSize: 2, pageToken });
    return { ids: page.apiKeys.map(({ apiKeyId }) => apiKeyId), ...page };
  });
  expect(pages).toEqual([['key-a', 'key-b'], ['key-c']]);
  const { apiKeys } = await operator.listApiKeys({});
  expect(apiKeys[1]).toEqual(made[0]?.apiKey);
});

test('refuses a page size below 0 and a foreign token', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  expect(await fault(operator.listApiKeys({ pageSize: -1 }))).toMatchObject({ field: 'page_size' });
  expect(await fault(operator.listApiKeys({ pageToken: '!' }))).toMatchObject({
    reason: 'PAGE_TOKEN_INVALID',
  });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  for (const who of ['merchant:shop', 'courier:swift', 'service:waybill'] as const) {
    expect(await fault(network.as(who).listApiKeys({}))).toMatchObject({ reason: 'SCOPE_MISSING' });
  }
});
