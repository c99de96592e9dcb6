import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonOf } from '#libs/errors';
import { WaybillRecalledSchema, WaybillReleasedSchema } from '#proto/queqiao/waybill/v1/event';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { WaybillOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const { ISSUED, PREPOSITIONED, RECALLED, CANCELLED } = Waybill_State;
const client = (apiKey = shop.apiKey) => system.waybill(apiKey);

async function issue(orderRef: string, holdNodeId = shop.nodeId) {
  const { issued } = await client().issueWaybill({
    parcel: parcelOf(shop, orderRef, { holdNodeId }),
  });
  return issued ?? { waybillNumber: '', state: undefined };
}

const moves = {
  release: (waybillNumber: string) => client().releaseWaybill({ waybillNumber }),
  recall: (waybillNumber: string) => client().recallWaybill({ waybillNumber }),
  cancel: (waybillNumber: string) => client().cancelWaybill({ waybillNumber }),
};

async function eventsOf(event: 'released' | 'recalled', waybillNumber: string) {
  const rows = await system.database.query<{ payload: Buffer }>(
    'select payload from waybill.outbox where subject = $1',
    [`queqiao.v1.waybill.${shop.courierId}.${event}`],
  );
  const schema = event === 'released' ? WaybillReleasedSchema : WaybillRecalledSchema;
  return rows
    .map(({ payload }) => fromBinary(schema, payload))
    .filter((each) => each.waybillNumber === waybillNumber);
}

describe('a pre-positioned waybill', () => {
  it('is issued as such, and a repeat says so', async () => {
    const first = await issue('P-1');
    expect(first.state).toBe(PREPOSITIONED);
    expect(await issue('P-1')).toEqual({ ...first, alreadyIssued: true });
    await expect(issue('P-1', '')).rejects.toMatchObject({
      reason: 'PARCEL_KEY_REUSED',
      field: 'hold_node_id',
    });
    const { waybill } = await client().getWaybill({ waybillNumber: first.waybillNumber });
    expect(waybill).toMatchObject({ state: PREPOSITIONED, holdNodeId: shop.nodeId });
  });

  it.each([
    ['FIELD_INVALID', 'A'],
    ['NODE_NOT_FOUND', 'nowhere'],
  ])('answers %s for a place that is none', async (reason, holdNodeId) => {
    await expect(issue('P-2', holdNodeId)).rejects.toMatchObject({ reason, field: 'hold_node_id' });
  });

  it.each([
    ['release', 'released', ISSUED],
    ['recall', 'recalled', RECALLED],
  ] as const)('%ss once, with one event', async (move, event, state) => {
    const { waybillNumber } = await issue(`M-${move}`);
    const answers = await Promise.all(Array.from({ length: 4 }, () => moves[move](waybillNumber)));
    for (const { waybill } of answers) expect(waybill).toMatchObject({ state, version: 2 });
    expect(await moves[move](waybillNumber)).toEqual(answers[0]);
    const hold = { orderRef: `M-${move}`, holdNodeId: shop.nodeId, version: 2 };
    expect(await eventsOf(event, waybillNumber)).toMatchObject([hold]);
    const { versions } = await client().listWaybillVersions({ waybillNumber });
    expect(versions.map(({ waybill }) => waybill?.state)).toEqual([PREPOSITIONED, state]);
  });

  it('goes one way of the two that are offered at once', async () => {
    const { waybillNumber } = await issue('M-1');
    const both = await Promise.allSettled([
      moves.release(waybillNumber),
      moves.recall(waybillNumber),
    ]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const told = await Promise.all([
      eventsOf('released', waybillNumber),
      eventsOf('recalled', waybillNumber),
    ]);
    expect(told.flat()).toHaveLength(1);
  });

  it('can be cancelled instead, and is then neither released nor recalled', async () => {
    const { waybillNumber } = await issue('M-2');
    const { waybill } = await moves.cancel(waybillNumber);
    expect(waybill?.state).toBe(CANCELLED);
    for (const move of ['release', 'recall'] as const) {
      await expect(moves[move](waybillNumber)).rejects.toMatchObject({
        reason: 'STATE_NOT_ALLOWED',
        metadata: { state: 'cancelled' },
      });
    }
  });

  it('once recalled is nothing else any more', async () => {
    const { waybillNumber } = await issue('M-3');
    await moves.recall(waybillNumber);
    for (const move of ['release', 'cancel'] as const) {
      await expect(moves[move](waybillNumber)).rejects.toMatchObject({
        reason: 'STATE_NOT_ALLOWED',
        metadata: { state: 'recalled' },
      });
    }
    const update = client().updateWaybill({ waybillNumber, version: 2, weightG: 1 });
    await expect(update).rejects.toMatchObject({ reason: 'STATE_NOT_ALLOWED' });
  });

  it('is not what an ordinary waybill is', async () => {
    const { waybillNumber } = await issue('M-4', '');
    for (const move of ['release', 'recall'] as const) {
      await expect(moves[move](waybillNumber)).rejects.toMatchObject({
        reason: 'STATE_NOT_ALLOWED',
        metadata: { state: 'issued' },
      });
    }
    const other = await seedMerchant(system);
    const foreign = client(other.apiKey).releaseWaybill({ waybillNumber });
    await expect(foreign).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
    await expect(moves.recall('?')).rejects.toMatchObject({ field: 'waybill_number' });
  });
});

describe('many at once', () => {
  const summary = ({ outcome }: WaybillOutcome) =>
    outcome.case === 'error'
      ? `${reasonOf(outcome.value.reason)} ${outcome.value.field}`
      : outcome.value?.state;

  it.each([
    ['batchReleaseWaybills', ISSUED],
    ['batchRecallWaybills', RECALLED],
  ] as const)('%s answers each number with its own outcome, in order', async (call, state) => {
    const [first, second, plain] = await Promise.all([
      issue(`${call}-1`),
      issue(`${call}-2`),
      issue(`${call}-3`, ''),
    ]);
    const numbers = [first, plain, second, first].map(({ waybillNumber }) => waybillNumber);
    const waybillNumbers = ['?', ...numbers, 'ZZ99999'];
    const answer = () => client()[call]({ waybillNumbers });
    const { outcomes } = await answer();
    expect(outcomes.map(summary)).toEqual([
      'FIELD_INVALID waybill_numbers[0]',
      state,
      'STATE_NOT_ALLOWED ',
      state,
      state,
      'WAYBILL_NOT_FOUND waybill_numbers[5]',
    ]);
    expect((await answer()).outcomes).toEqual(outcomes);
  });

  it('refuses an empty batch and one over 1,000', async () => {
    const none = client().batchReleaseWaybills({ waybillNumbers: [] });
    await expect(none).rejects.toMatchObject({ field: 'waybill_numbers' });
    const many = client().batchRecallWaybills({ waybillNumbers: Array(1_001).fill('ZZ99999') });
    await expect(many).rejects.toMatchObject({ field: 'waybill_numbers' });
  });
});
