import { expect, test } from 'vitest';
import { fault, merchant, startNetwork, type TestNetwork, walk } from '../test-network.ts';

test('walks every merchant once, in order of its id', async () => {
  await using network = await startNetwork();
  const ids = ['b-2', 'aa', 'c1', 'b0', 'b', 'a-a', 'zz'].map((id) => `${id}x`);
  await seed(network, ids);
  const pages = await walk(async (pageToken) => {
    const page = await network.as('operator').listMerchants({ pageSize: 3, pageToken });
    return { ids: page.merchants.map(({ merchantId }) => merchantId), ...page };
  });
  expect(pages.map((page) => page.length)).toEqual([3, 3, 1]);
  expect(pages.flat()).toEqual([...ids].sort());
});

test('ends without a token when the last page is full', async () => {
  await using network = await startNetwork();
  await seed(network, ['aa', 'bb']);
  const page = await network.as('operator').listMerchants({ pageSize: 2 });
  expect(page.merchants).toHaveLength(2);
  expect(page.nextPageToken).toBe('');
});

test('takes a page size of 0 for 100 and one above 1,000 for 1,000', async () => {
  await using network = await startNetwork();
  await network.db.query(
    `insert into network.merchant
       (merchant_id, display_name, state, spread, home_bucket, create_time, update_time)
     select 'shop-' || n, 'Shop', 'active', 1, 0, now(), now() from generate_series(1, 1001) n`,
  );
  const operator = network.as('operator');
  expect((await operator.listMerchants({})).merchants).toHaveLength(100);
  expect((await operator.listMerchants({ pageSize: 5_000 })).merchants).toHaveLength(1_000);
  expect(await fault(operator.listMerchants({ pageSize: -1 }))).toEqual({
    reason: 'FIELD_INVALID',
    field: 'page_size',
    problem: 'OUT_OF_RANGE',
  });
});

test('refuses a token that is not its own', async () => {
  await using network = await startNetwork();
  await seed(network, ['aa', 'bb', 'cc']);
  const operator = network.as('operator');
  const { nextPageToken } = await operator.listMerchants({ pageSize: 1 });
  const refused = { reason: 'PAGE_TOKEN_INVALID', field: 'page_token' };
  for (const pageToken of ['x', `${nextPageToken.slice(0, 4)}AAAA`, 'bnVsbA']) {
    expect(await fault(operator.listMerchants({ pageToken }))).toEqual(refused);
  }
  const elsewhere = operator.listCouriers({ pageToken: nextPageToken });
  expect(await fault(elsewhere)).toEqual(refused);
  const another = network.as('merchant:bb').listMerchants({ pageToken: nextPageToken });
  expect(await fault(another)).toEqual(refused);
});

test('shows a merchant itself alone and a courier nothing', async () => {
  await using network = await startNetwork();
  await seed(network, ['aa', 'bb', 'cc']);
  const idsFor = async (who: Parameters<typeof network.as>[0]) =>
    (await network.as(who).listMerchants({})).merchants.map(({ merchantId }) => merchantId);
  expect(await idsFor('merchant:bb')).toEqual(['bb']);
  expect(await idsFor('courier:bb')).toEqual([]);
  await expect(idsFor('service:waybill')).rejects.toMatchObject({ reason: 'SERVICE_NOT_ALLOWED' });
});

async function seed(network: TestNetwork, ids: string[]): Promise<void> {
  for (const id of ids) await network.as('operator').createMerchant({ merchant: merchant(id) });
}
