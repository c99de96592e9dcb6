import { expect, test } from 'vitest';
import {
  courier,
  fault,
  merchant,
  range,
  startNetwork,
  type TestNetwork,
  walk,
} from '../test-network.ts';

test('walks every range once, in order of its id', async () => {
  await using network = await seeded();
  expect(await pagesOf(network, 'operator')).toEqual([['bird-1', 'swift-1'], ['swift-2']]);
});

test('filters by courier', async () => {
  await using network = await seeded();
  expect(await pagesOf(network, 'operator', 'swift')).toEqual([['swift-1', 'swift-2']]);
  expect(await pagesOf(network, 'operator', 'none')).toEqual([[]]);
  const bad = network.as('operator').listNumberRanges({ courierId: 'S' });
  expect(await fault(bad)).toMatchObject({ field: 'courier_id', problem: 'SLUG' });
});

test('shows a courier its own ranges, a merchant those that it may draw from', async () => {
  await using network = await seeded();
  expect(await pagesOf(network, 'courier:swift')).toEqual([['swift-1', 'swift-2']]);
  expect(await pagesOf(network, 'courier:bird', 'bird')).toEqual([['bird-1']]);
  expect(await pagesOf(network, 'merchant:shop')).toEqual([['bird-1', 'swift-1'], ['swift-2']]);
  expect(await pagesOf(network, 'merchant:other')).toEqual([['bird-1', 'swift-1']]);
  expect(await pagesOf(network, 'merchant:other', 'swift')).toEqual([['swift-1']]);
  const foreign = network.as('courier:bird').listNumberRanges({ courierId: 'swift' });
  expect(await fault(foreign)).toEqual({ reason: 'TENANT_FOREIGN', field: 'courier_id' });
});

test('binds the token to the filter', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  const { nextPageToken } = await operator.listNumberRanges({ pageSize: 1, courierId: 'swift' });
  const call = operator.listNumberRanges({ pageSize: 1, pageToken: nextPageToken });
  expect(await fault(call)).toEqual({ reason: 'PAGE_TOKEN_INVALID', field: 'page_token' });
});

async function seeded(): Promise<TestNetwork> {
  const network = await startNetwork();
  const operator = network.as('operator');
  for (const id of ['swift', 'bird']) await operator.createCourier({ courier: courier(id) });
  await operator.createMerchant({ merchant: merchant('shop') });
  const ranges = [
    range('swift-2', { prefix: 'QB', merchantId: 'shop' }),
    range('swift-1', { prefix: 'QA' }),
    range('bird-1', { prefix: 'QC', courierId: 'bird' }),
  ];
  for (const numberRange of ranges) await operator.createNumberRange({ numberRange });
  return network;
}

function pagesOf(
  network: TestNetwork,
  who: Parameters<TestNetwork['as']>[0],
  courierId = '',
): Promise<string[][]> {
  return walk(async (pageToken) => {
    const page = await network.as(who).listNumberRanges({ pageSize: 2, pageToken, courierId });
    return { ids: page.numberRanges.map(({ rangeId }) => rangeId), ...page };
  });
}
