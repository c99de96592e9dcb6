import { expect, test } from 'vitest';
import { courier, fault, startNetwork, walk } from '../test-network.ts';

test('walks every courier once, in order of its id', async () => {
  await using network = await startNetwork();
  const ids = ['swift', 'bird', 'crane', 'bird-2', 'eagle'];
  for (const id of ids) await network.as('operator').createCourier({ courier: courier(id) });
  const pages = await walk(async (pageToken) => {
    const page = await network.as('merchant:any').listCouriers({ pageSize: 2, pageToken });
    return { ids: page.couriers.map(({ courierId }) => courierId), ...page };
  });
  expect(pages).toEqual([['bird', 'bird-2'], ['crane', 'eagle'], ['swift']]);
  const own = await network.as('courier:crane').listCouriers({});
  expect(own.couriers.map(({ courierId }) => courierId)).toEqual(['crane']);
});

test('refuses a page size below 0 and a foreign token', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  expect(await fault(operator.listCouriers({ pageSize: -1 }))).toMatchObject({
    field: 'page_size',
  });
  expect(await fault(operator.listCouriers({ pageToken: '!' }))).toMatchObject({
    reason: 'PAGE_TOKEN_INVALID',
  });
});
