import { expect, test } from 'vitest';
import { Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { fault, merchant, startNetwork, type TestNetwork } from '../test-network.ts';

test('replaces what is neither fixed nor output only', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  network.clock.tick(1_000);
  const change = { displayName: 'New', state: Merchant_State.DISABLED, homeBucket: 1 };
  const operator = network.as('operator');
  const { merchant: after } = await operator.updateMerchant({ merchant: { ...before, ...change } });
  expect(after).toMatchObject({
    displayName: 'New',
    state: Merchant_State.DISABLED,
    spread: 4,
    homeBucket: before.homeBucket,
    createTime: before.createTime,
  });
  expect(after?.updateTime?.seconds).toBe((before.updateTime?.seconds ?? 0n) + 1n);
  expect(after?.etag).not.toBe(before.etag);
  expect((await operator.getMerchant({ merchantId: 'shop' })).merchant).toEqual(after);
  expect(await network.events()).toEqual([
    { subject: 'queqiao.v1.network.merchant.changed', kind: 'merchant', id: 'shop', version: 1n },
    { subject: 'queqiao.v1.network.merchant.changed', kind: 'merchant', id: 'shop', version: 2n },
  ]);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const faults: [object, string, string][] = [
    [{ merchantId: '' }, 'merchant_id', 'REQUIRED'],
    [{ displayName: '' }, 'display_name', 'REQUIRED'],
    [{ state: Merchant_State.UNSPECIFIED }, 'state', 'REQUIRED'],
    [{ spread: 5 }, 'spread', 'SPREAD'],
    [{ spread: 8 }, 'spread', 'FIXED'],
    [{ etag: '' }, 'etag', 'REQUIRED'],
  ];
  for (const [change, field, problem] of faults) {
    const call = network.as('operator').updateMerchant({ merchant: { ...before, ...change } });
    expect(await fault(call)).toEqual({
      reason: 'FIELD_INVALID',
      field: `merchant.${field}`,
      problem,
    });
  }
  expect(await network.events()).toHaveLength(1);
});

test('refuses the etag of another version, of another merchant, and a made-up one', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const before = await seed(network);
  const other = await operator.createMerchant({ merchant: merchant('other') });
  await operator.updateMerchant({ merchant: { ...before, displayName: 'New' } });
  for (const etag of [before.etag, other.merchant?.etag ?? '', 'x']) {
    const call = operator.updateMerchant({ merchant: { ...before, etag } });
    expect(await fault(call)).toEqual({ reason: 'CONFLICT', field: '' });
  }
});

test('lets one of several updates at once win', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const outcomes = await network.atOnce(
    'merchant',
    ['A', 'B', 'C', 'D'].map(
      (displayName) => () =>
        network.as('operator').updateMerchant({ merchant: { ...before, displayName } }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await network.events()).toHaveLength(2);
});

test('does not know a merchant that was never created', async () => {
  await using network = await startNetwork();
  const given = merchant('none', { state: Merchant_State.ACTIVE, etag: 'x' });
  const call = network.as('operator').updateMerchant({ merchant: given });
  expect(await fault(call)).toMatchObject({ reason: 'MERCHANT_NOT_FOUND', id: 'none' });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:shop').updateMerchant({ merchant: merchant('shop') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

async function seed(network: TestNetwork) {
  const operator = network.as('operator');
  const answer = await operator.createMerchant({ merchant: merchant('shop', { spread: 4 }) });
  if (answer.merchant === undefined) throw new Error('no merchant');
  return answer.merchant;
}
