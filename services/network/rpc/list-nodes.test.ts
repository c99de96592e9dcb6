import { expect, test } from 'vitest';
import { fault, merchant, node, startNetwork, type TestNetwork, walk } from '../test-network.ts';

test('walks every node once, in order of its id', async () => {
  await using network = await startNetwork();
  await seed(network);
  expect(await pagesOf(network, 'operator', {})).toEqual([
    ['any-1', 'any-2'],
    ['one-1', 'two-1'],
  ]);
});

test('filters by the merchant that may use a node', async () => {
  await using network = await startNetwork();
  await seed(network);
  const filtered = await pagesOf(network, 'operator', { merchantId: 'one' });
  expect(filtered).toEqual([['any-1', 'any-2'], ['one-1']]);
  const bad = network.as('operator').listNodes({ merchantId: 'One' });
  expect(await fault(bad)).toMatchObject({ field: 'merchant_id', problem: 'SLUG' });
});

test('shows a merchant its own and common nodes alone', async () => {
  await using network = await startNetwork();
  await seed(network);
  const own = [['any-1', 'any-2'], ['two-1']];
  expect(await pagesOf(network, 'merchant:two', {})).toEqual(own);
  expect(await pagesOf(network, 'merchant:two', { merchantId: 'two' })).toEqual(own);
  expect(await pagesOf(network, 'courier:two', {})).toEqual([[]]);
  const foreign = network.as('merchant:two').listNodes({ merchantId: 'one' });
  expect(await fault(foreign)).toEqual({ reason: 'TENANT_FOREIGN', field: 'merchant_id' });
});

test('binds the token to the filter', async () => {
  await using network = await startNetwork();
  await seed(network);
  const operator = network.as('operator');
  const { nextPageToken } = await operator.listNodes({ pageSize: 1, merchantId: 'one' });
  const call = operator.listNodes({ pageSize: 1, merchantId: 'two', pageToken: nextPageToken });
  expect(await fault(call)).toEqual({ reason: 'PAGE_TOKEN_INVALID', field: 'page_token' });
});

async function seed(network: TestNetwork): Promise<void> {
  const operator = network.as('operator');
  for (const id of ['one', 'two']) await operator.createMerchant({ merchant: merchant(id) });
  await operator.createNode({ node: node('two-1', { merchantId: 'two' }) });
  await operator.createNode({ node: node('one-1', { merchantId: 'one' }) });
  for (const id of ['any-2', 'any-1']) await operator.createNode({ node: node(id) });
}

function pagesOf(
  network: TestNetwork,
  who: Parameters<TestNetwork['as']>[0],
  filter: { merchantId?: string },
): Promise<string[][]> {
  return walk(async (pageToken) => {
    const page = await network.as(who).listNodes({ pageSize: 2, pageToken, ...filter });
    return { ids: page.nodes.map(({ nodeId }) => nodeId), ...page };
  });
}
