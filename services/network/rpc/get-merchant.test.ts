import { expect, test } from 'vitest';
import { fault, merchant, startNetwork } from '../test-network.ts';

test('answers the merchant as it was created', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const created = await operator.createMerchant({ merchant: merchant('shop', { spread: 4 }) });
  const found = await operator.getMerchant({ merchantId: 'shop' });
  expect(found.merchant).toEqual(created.merchant);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const faults = [
    ['', 'REQUIRED'],
    ['No Slug', 'SLUG'],
  ] as const;
  for (const [merchantId, problem] of faults) {
    expect(await fault(network.as('operator').getMerchant({ merchantId }))).toEqual({
      reason: 'FIELD_INVALID',
      field: 'merchant_id',
      problem,
    });
  }
});

test('shows a merchant to itself, to operators and services, to nobody else', async () => {
  await using network = await startNetwork();
  await network.as('operator').createMerchant({ merchant: merchant('shop') });
  const get = (who: Parameters<typeof network.as>[0]) =>
    network.as(who).getMerchant({ merchantId: 'shop' });
  for (const who of ['operator', 'service:waybill', 'merchant:shop'] as const) {
    expect((await get(who)).merchant?.merchantId).toBe('shop');
  }
  for (const who of ['merchant:other', 'courier:shop'] as const) {
    // Word for word what is said of a merchant that does not exist.
    expect(await fault(get(who))).toEqual({ reason: 'MERCHANT_NOT_FOUND', field: '', id: 'shop' });
  }
  const none = network.as('operator').getMerchant({ merchantId: 'none' });
  expect(await fault(none)).toEqual({ reason: 'MERCHANT_NOT_FOUND', field: '', id: 'none' });
});

test('refuses an identity of a merchant without an id', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:').getMerchant({ merchantId: 'shop' });
  expect(await fault(call)).toMatchObject({ reason: 'API_KEY_INVALID' });
});
