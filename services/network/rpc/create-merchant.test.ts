import { expect, test } from 'vitest';
import { Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { homeBucket } from '../merchant.ts';
import { fault, merchant, NOW, startNetwork, timestamp } from '../test-network.ts';

test('answers the merchant as registered, with defaults filled in', async () => {
  await using network = await startNetwork();
  const answer = await network.as('operator').createMerchant({ merchant: merchant('shop') });
  expect(answer.merchant).toMatchObject({
    merchantId: 'shop',
    displayName: 'Shop 商店',
    state: Merchant_State.ACTIVE,
    spread: 1,
    homeBucket: homeBucket('shop'),
    createTime: timestamp(NOW),
    updateTime: timestamp(NOW),
    etag: expect.stringMatching(/^[\w-]+$/),
  });
});

test('keeps what is given and ignores what is output only', async () => {
  await using network = await startNetwork();
  const given = merchant('shop', {
    state: Merchant_State.DISABLED,
    spread: 64,
    homeBucket: 999,
    etag: 'mine',
  });
  const answer = await network.as('operator').createMerchant({ merchant: given });
  expect(answer.merchant).toMatchObject({
    state: Merchant_State.DISABLED,
    spread: 64,
    homeBucket: homeBucket('shop'),
  });
  expect(answer.merchant?.etag).not.toBe('mine');
});

test('gives a merchant its bucket for ever', () => {
  // Waybills lie where these say: a change of the hash would lose them.
  expect(['shop', 'aa', 'merchant-1'].map(homeBucket)).toEqual([141, 150, 28]);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const faults: [Parameters<typeof merchant>[1], string, string][] = [
    [{ merchantId: '' }, 'merchant_id', 'REQUIRED'],
    [{ merchantId: 'a' }, 'merchant_id', 'SLUG'],
    [{ merchantId: 'Shop' }, 'merchant_id', 'SLUG'],
    [{ merchantId: '1shop' }, 'merchant_id', 'SLUG'],
    [{ merchantId: 'shop\n' }, 'merchant_id', 'SLUG'],
    [{ merchantId: 'a'.repeat(33) }, 'merchant_id', 'SLUG'],
    [{ displayName: '' }, 'display_name', 'REQUIRED'],
    [{ displayName: ' \u3000' }, 'display_name', 'REQUIRED'],
    [{ displayName: '店'.repeat(81) }, 'display_name', 'TOO_LONG'],
    [{ displayName: 'a\0b' }, 'display_name', 'CONTROL_CHARACTER'],
    [{ state: 7 as Merchant_State }, 'state', 'UNKNOWN_VALUE'],
    [{ spread: 3 }, 'spread', 'SPREAD'],
    [{ spread: 128 }, 'spread', 'SPREAD'],
    [{ spread: -1 }, 'spread', 'SPREAD'],
  ];
  for (const [given, field, problem] of faults) {
    const call = operator.createMerchant({ merchant: merchant('shop', given) });
    expect(await fault(call)).toEqual({
      reason: 'FIELD_INVALID',
      field: `merchant.${field}`,
      problem,
    });
  }
  expect(await fault(operator.createMerchant({}))).toMatchObject({ field: 'merchant' });
  expect(await network.events()).toEqual([]);
});

test('takes a name of 80 characters outside the basic plane', async () => {
  await using network = await startNetwork();
  const displayName = '𠮷'.repeat(80);
  const answer = await network
    .as('operator')
    .createMerchant({ merchant: merchant('shop', { displayName }) });
  expect(answer.merchant?.displayName).toBe(displayName);
});

test('answers a repeat with the first merchant and announces it once', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const first = await operator.createMerchant({ merchant: merchant('shop') });
  network.clock.tick(1_000);
  const again = await operator.createMerchant({ merchant: merchant('shop', { spread: 1 }) });
  expect(again).toEqual(first);
  expect(await network.events()).toEqual([
    { subject: 'queqiao.v1.network.merchant.changed', kind: 'merchant', id: 'shop', version: 1n },
  ]);
});

test('refuses an id that is taken by other contents', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  const other = merchant('shop', { displayName: 'Other' });
  expect(await fault(operator.createMerchant({ merchant: other }))).toMatchObject({
    reason: 'RESOURCE_EXISTS',
    id: 'shop',
  });
});

test('makes one merchant of several creates at once', async () => {
  await using network = await startNetwork();
  const call = () => network.as('operator').createMerchant({ merchant: merchant('shop') });
  const outcomes = await network.atOnce('merchant', Array(6).fill(call));
  expect(outcomes[0]).toMatchObject({ status: 'fulfilled' });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  expect(await network.events()).toHaveLength(1);
});

test('lets one of two different creates at once win', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const outcomes = await network.atOnce(
    'merchant',
    ['One', 'Two'].map(
      (displayName) => () =>
        operator.createMerchant({ merchant: merchant('shop', { displayName }) }),
    ),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(await network.events()).toHaveLength(1);
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  for (const who of ['merchant:shop', 'courier:swift', 'service:waybill'] as const) {
    const call = network.as(who).createMerchant({ merchant: merchant('shop') });
    expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
  }
});

test('tells nothing of a fault of its own and keeps nothing of the attempt', async () => {
  await using network = await startNetwork();
  await network.db.query('alter table network.outbox rename to elsewhere');
  const call = network.as('operator').createMerchant({ merchant: merchant('shop') });
  expect(await fault(call)).toEqual({ reason: 'INTERNAL', field: '', text: 'internal error' });
  expect(await network.db.query('select from network.merchant')).toHaveLength(0);
});
