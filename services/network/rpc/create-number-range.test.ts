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

test('answers the range with all its numbers left', async () => {
  await using network = await seeded();
  const answer = await network.as('operator').createNumberRange({ numberRange: range('qq') });
  expect(answer.numberRange).toMatchObject({
    ...range('qq'),
    merchantId: '',
    suffix: '',
    state: NumberRange_State.ACTIVE,
    remainingCount: 1_000n,
    createTime: timestamp(NOW),
  });
  expect(answer.numberRange?.lowWaterTime).toBeUndefined();
  expect((await network.events()).at(-1)).toEqual({
    subject: 'queqiao.v1.network.number_range.changed',
    kind: 'number_range',
    id: 'qq',
    version: 1n,
    courierId: 'swift',
  });
});

test('takes the widest range there can be', async () => {
  await using network = await seeded();
  const widest = range('qq', {
    prefix: 'ABCDEFGH',
    serialWidth: 15,
    firstSerial: 0n,
    lastSerial: 999_999_999_999_999n,
    suffix: 'WXYZ',
    lowWaterCount: 1_000_000_000_000_000n,
  });
  const answer = await network.as('operator').createNumberRange({ numberRange: widest });
  expect(answer.numberRange?.remainingCount).toBe(1_000_000_000_000_000n);
  // As few numbers are left as the mark says, from the beginning.
  expect(answer.numberRange?.lowWaterTime).toEqual(timestamp(NOW));
});

test('names the field at fault', async () => {
  await using network = await seeded();
  const s10 = { checkDigitScheme: Scheme.UPU_S10 };
  const bare = { checkDigitScheme: Scheme.NONE, prefix: '', serialWidth: 4 };
  const faults: [Parameters<typeof range>[1], string, string][] = [
    [{ rangeId: '' }, 'range_id', 'REQUIRED'],
    [{ rangeId: 'Q Q' }, 'range_id', 'SLUG'],
    [{ courierId: '' }, 'courier_id', 'REQUIRED'],
    [{ courierId: 'S' }, 'courier_id', 'SLUG'],
    [{ merchantId: 'S' }, 'merchant_id', 'SLUG'],
    [{ prefix: 'qq' }, 'prefix', 'NUMBER_PREFIX'],
    [{ prefix: 'QQQQQQQQQ' }, 'prefix', 'NUMBER_PREFIX'],
    [{ serialWidth: 3 }, 'serial_width', 'OUT_OF_RANGE'],
    [{ serialWidth: 16 }, 'serial_width', 'OUT_OF_RANGE'],
    [{ firstSerial: -1n }, 'first_serial', 'OUT_OF_RANGE'],
    [{ firstSerial: 2_000n }, 'last_serial', 'OUT_OF_RANGE'],
    [{ lastSerial: 100_000_000n }, 'last_serial', 'OUT_OF_RANGE'],
    [{ checkDigitScheme: Scheme.UNSPECIFIED }, 'check_digit_scheme', 'REQUIRED'],
    [{ checkDigitScheme: 9 as Scheme }, 'check_digit_scheme', 'UNKNOWN_VALUE'],
    [{ suffix: 'C1' }, 'suffix', 'NUMBER_SUFFIX'],
    [{ suffix: 'ABCDE' }, 'suffix', 'NUMBER_SUFFIX'],
    [{ lowWaterCount: -1n }, 'low_water_count', 'OUT_OF_RANGE'],
    [{ lowWaterCount: 2n ** 62n }, 'low_water_count', 'OUT_OF_RANGE'],
    [{ state: 9 as NumberRange_State }, 'state', 'UNKNOWN_VALUE'],
    [{ ...s10, prefix: 'R1' }, 'prefix', 'S10_SHAPE'],
    [{ ...s10, serialWidth: 9 }, 'serial_width', 'S10_SHAPE'],
    [bare, 'serial_width', 'NUMBER_LENGTH'],
  ];
  for (const [given, field, problem] of faults) {
    const call = network.as('operator').createNumberRange({ numberRange: range('qq', given) });
    const path = `number_range.${field}`;
    expect(await fault(call)).toEqual({ reason: 'FIELD_INVALID', field: path, problem });
  }
});

test('takes a courier and a merchant that exist, and no others', async () => {
  await using network = await seeded();
  const create = (change: object) =>
    network.as('operator').createNumberRange({ numberRange: range('qq', change) });
  expect(await fault(create({ courierId: 'none' }))).toEqual({
    reason: 'COURIER_NOT_FOUND',
    field: '',
    id: 'none',
  });
  expect(await fault(create({ merchantId: 'none' }))).toEqual({
    reason: 'MERCHANT_NOT_FOUND',
    field: '',
    id: 'none',
  });
  expect((await create({ merchantId: 'shop' })).numberRange?.merchantId).toBe('shop');
});

test('refuses a range that shares a number with another one, whoever owns it', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  await operator.createNumberRange({ numberRange: range('qq') });
  const overlapping: object[] = [
    { firstSerial: 1_999n, lastSerial: 2_500n },
    { firstSerial: 0n, lastSerial: 99_999_999n },
    { courierId: 'other', firstSerial: 1_500n, lastSerial: 1_500n },
    // Another check digit, the same serials.
    { checkDigitScheme: Scheme.GS1_MOD10 },
    // QQ0 and seven digits look like QQ and eight.
    { prefix: 'QQ0', serialWidth: 7, firstSerial: 1_000n, lastSerial: 1_000n },
    // QQ and nine digits without check digit look like QQ, eight digits and one.
    {
      serialWidth: 9,
      checkDigitScheme: Scheme.NONE,
      firstSerial: 10_000n,
      lastSerial: 10_009n,
    },
  ];
  for (const change of overlapping) {
    const call = operator.createNumberRange({ numberRange: range('again', change) });
    expect(await fault(call)).toEqual({ reason: 'NUMBER_RANGE_OVERLAP', field: '' });
  }
  const apart: object[] = [
    { firstSerial: 2_000n, lastSerial: 2_999n },
    { firstSerial: 0n, lastSerial: 999n },
    { prefix: 'QR' },
    { serialWidth: 9 },
    { suffix: 'CN' },
    { checkDigitScheme: Scheme.NONE },
  ];
  for (const [i, change] of apart.entries()) {
    await operator.createNumberRange({ numberRange: range(`apart-${i}`, change) });
  }
});

test('answers a repeat with the first range, announced once', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  const first = await operator.createNumberRange({ numberRange: range('qq') });
  network.clock.tick(1_000);
  expect(await operator.createNumberRange({ numberRange: range('qq') })).toEqual(first);
  const other = operator.createNumberRange({ numberRange: range('qq', { lastSerial: 5_000n }) });
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'qq' });
  const announced = (await network.events()).filter(({ kind }) => kind === 'number_range');
  expect(announced).toHaveLength(1);
});

test('makes one range of several creates at once', async () => {
  await using network = await seeded();
  const call = () => network.as('operator').createNumberRange({ numberRange: range('qq') });
  const outcomes = await network.atOnce('number_range', Array(6).fill(call));
  expect(outcomes[0]).toMatchObject({ status: 'fulfilled' });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
});

test('lets one of several overlapping ranges made at once win', async () => {
  await using network = await seeded();
  const outcomes = await network.atOnce(
    'number_range',
    ['aa', 'bb', 'cc', 'dd', 'ee', 'ff'].map(
      (id) => () => network.as('operator').createNumberRange({ numberRange: range(id) }),
    ),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(5);
  for (const outcome of refused) {
    expect(outcome).toMatchObject({ reason: { reason: 'NUMBER_RANGE_OVERLAP' } });
  }
});

// Without it, about one in a thousand of those that make the same range at once is told that it
// overlaps with itself, or ends in a deadlock.
test('waits for other writers of ranges before it looks', async () => {
  await using network = await seeded();
  const call = () => network.as('operator').createNumberRange({ numberRange: range('qq') });
  const [outcome] = await network.atOnce('number_range', [call], 'row exclusive');
  expect(outcome).toMatchObject({ status: 'fulfilled' });
});

test('is for operators only', async () => {
  await using network = await seeded();
  const call = network.as('courier:swift').createNumberRange({ numberRange: range('qq') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

test('tells nothing of a fault of its own', async () => {
  await using network = await seeded();
  await network.db.query('alter table network.number_range rename to elsewhere');
  const call = network.as('operator').createNumberRange({ numberRange: range('qq') });
  expect(await fault(call)).toEqual({ reason: 'INTERNAL', field: '', text: 'internal error' });
});

async function seeded(): Promise<TestNetwork> {
  const network = await startNetwork();
  const operator = network.as('operator');
  for (const id of ['swift', 'other']) await operator.createCourier({ courier: courier(id) });
  await operator.createMerchant({ merchant: merchant('shop') });
  return network;
}
