import { expect, test } from 'vitest';
import { courier, fault, merchant, range, startNetwork } from '../test-network.ts';

test('answers the range as it was created', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createCourier({ courier: courier('swift') });
  const created = await operator.createNumberRange({ numberRange: range('qq') });
  const found = await operator.getNumberRange({ rangeId: 'qq' });
  expect(found.numberRange).toEqual(created.numberRange);
  expect(await fault(operator.getNumberRange({}))).toMatchObject({ field: 'range_id' });
});

test('shows a range to its courier and to the merchants that may draw from it', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createCourier({ courier: courier('swift') });
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createNumberRange({ numberRange: range('common') });
  const own = range('owned', { merchantId: 'shop', prefix: 'QR' });
  await operator.createNumberRange({ numberRange: own });
  const seen = async (who: Parameters<typeof network.as>[0]) => {
    const ranges: string[] = [];
    for (const rangeId of ['common', 'owned']) {
      await network
        .as(who)
        .getNumberRange({ rangeId })
        .then(
          ({ numberRange }) => ranges.push(numberRange?.rangeId ?? ''),
          (error) => expect(error).toMatchObject({ reason: 'NUMBER_RANGE_NOT_FOUND' }),
        );
    }
    return ranges;
  };
  expect(await seen('merchant:shop')).toEqual(['common', 'owned']);
  expect(await seen('merchant:other')).toEqual(['common']);
  expect(await seen('courier:swift')).toEqual(['common', 'owned']);
  expect(await seen('courier:other')).toEqual([]);
});
