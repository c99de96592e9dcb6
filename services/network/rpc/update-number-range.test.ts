import { expect, test } from 'vitest';
import {
  NumberRange_State,
  NumberRange_CheckDigitScheme as Scheme,
} from '#proto/queqiao/network/v1/number_range';
import {
  courier,
  fault,
  merchant,
  NOW,
  range,
  startNetwork,
  type TestNetwork,
  timestamp,
} from '../test-network.ts';

test('grows a range; what was added is left', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const change = { lastSerial: 2_999n, state: NumberRange_State.DISABLED, lowWaterCount: 50n };
  const operator = network.as('operator');
  const { numberRange: after } = await operator.updateNumberRange({
    numberRange: { ...before, ...change, remainingCount: 7n },
  });
  expect(after).toMatchObject({ ...change, firstSerial: 1_000n, remainingCount: 2_000n });
  expect((await operator.getNumberRange({ rangeId: 'qq' })).numberRange).toEqual(after);
  expect((await network.events()).at(-1)).toMatchObject({
    kind: 'number_range',
    id: 'qq',
    version: 2n,
    courierId: 'swift',
  });
});

test('sets and clears the low-water time with the mark and with the size', async () => {
  await using network = await startNetwork();
  let current = await seed(network);
  const update = async (change: object) => {
    network.clock.tick(1_000);
    const answer = await network
      .as('operator')
      .updateNumberRange({ numberRange: { ...current, ...change } });
    if (answer.numberRange === undefined) throw new Error('no range');
    current = answer.numberRange;
    return current.lowWaterTime;
  };
  const reached = timestamp(new Date(NOW.getTime() + 1_000));
  expect(await update({ lowWaterCount: 1_000n })).toEqual(reached);
  // It was reached once; a higher mark does not reach it again.
  expect(await update({ lowWaterCount: 1_001n })).toEqual(reached);
  expect(await update({ lastSerial: 2_001n })).toBeUndefined();
  expect(await update({ lowWaterCount: 0n })).toBeUndefined();
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const faults: [object, string, string][] = [
    [{ courierId: 'other' }, 'courier_id', 'FIXED'],
    [{ merchantId: '' }, 'merchant_id', 'FIXED'],
    [{ prefix: 'QR' }, 'prefix', 'FIXED'],
    [{ serialWidth: 9 }, 'serial_width', 'FIXED'],
    [{ firstSerial: 0n }, 'first_serial', 'FIXED'],
    [{ checkDigitScheme: Scheme.NONE }, 'check_digit_scheme', 'FIXED'],
    [{ suffix: 'CN' }, 'suffix', 'FIXED'],
    [{ lastSerial: 1_998n }, 'last_serial', 'OUT_OF_RANGE'],
    [{ lastSerial: 100_000_000n }, 'last_serial', 'OUT_OF_RANGE'],
    [{ lowWaterCount: -1n }, 'low_water_count', 'OUT_OF_RANGE'],
    [{ state: NumberRange_State.UNSPECIFIED }, 'state', 'REQUIRED'],
    [{ etag: '' }, 'etag', 'REQUIRED'],
  ];
  for (const [change, field, problem] of faults) {
    const call = network
      .as('operator')
      .updateNumberRange({ numberRange: { ...before, ...change } });
    const path = `number_range.${field}`;
    expect(await fault(call)).toEqual({ reason: 'FIELD_INVALID', field: path, problem });
  }
});

test('does not let a range grow into another one', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const operator = network.as('operator');
  const next = range('next', { firstSerial: 3_000n, lastSerial: 3_999n });
  await operator.createNumberRange({ numberRange: next });
  const grow = (lastSerial: bigint) =>
    operator.updateNumberRange({ numberRange: { ...before, lastSerial } });
  expect(await fault(grow(3_000n))).toEqual({ reason: 'NUMBER_RANGE_OVERLAP', field: '' });
  expect((await grow(2_999n)).numberRange?.lastSerial).toBe(2_999n);
});

test('lets one of several updates at once win', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const outcomes = await network.atOnce(
    'number_range',
    [2_000n, 2_001n, 2_002n, 2_003n].map(
      (lastSerial) => () =>
        network.as('operator').updateNumberRange({ numberRange: { ...before, lastSerial } }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const stale = network.as('operator').updateNumberRange({ numberRange: before });
  expect(await fault(stale)).toEqual({ reason: 'CONFLICT', field: '' });
});

test('waits for other writers of ranges before it looks', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const call = () =>
    network.as('operator').updateNumberRange({ numberRange: { ...before, lastSerial: 2_000n } });
  const [outcome] = await network.atOnce('number_range', [call], 'row exclusive');
  expect(outcome).toMatchObject({ status: 'fulfilled' });
});

test('does not know a range that was never created', async () => {
  await using network = await startNetwork();
  const given = range('none', { state: NumberRange_State.ACTIVE, etag: 'x' });
  const call = network.as('operator').updateNumberRange({ numberRange: given });
  expect(await fault(call)).toMatchObject({ reason: 'NUMBER_RANGE_NOT_FOUND', id: 'none' });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:shop').updateNumberRange({ numberRange: range('qq') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

async function seed(network: TestNetwork) {
  const operator = network.as('operator');
  await operator.createCourier({ courier: courier('swift') });
  await operator.createMerchant({ merchant: merchant('shop') });
  const numberRange = range('qq', { merchantId: 'shop' });
  const answer = await operator.createNumberRange({ numberRange });
  if (answer.numberRange === undefined) throw new Error('no range');
  return answer.numberRange;
}
