import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reasonOf } from '#libs/errors';
import { Extent, Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { IssueOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  type ParcelInit,
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
  shop = await seedMerchant(system, { spread: 4 });
});
afterAll(() => system[Symbol.asyncDispose]());

const client = () => system.waybill(shop.apiKey);

/** Parcels of one order, each as in "2 of 3". */
function parcelsOf(orderRef: string, numbers: number[], parcelCount = 3): ParcelInit[] {
  return numbers.map((parcelNo) => parcelOf(shop, orderRef, { parcelNo, parcelCount }));
}

async function issue(parcels: ParcelInit[]): Promise<IssueOutcome[]> {
  return (await client().issueWaybills({ parcels })).outcomes;
}

async function numbersOf(parcels: ParcelInit[]): Promise<string[]> {
  return (await issue(parcels)).map(({ outcome }) => {
    if (outcome.case !== 'issued') throw new Error(outcome.value?.textEn);
    return outcome.value.waybillNumber;
  });
}

const errorOf = ({ outcome }: IssueOutcome) =>
  outcome.case === 'error' ? [reasonOf(outcome.value.reason), outcome.value.field] : 'issued';

const shipmentOf = async (waybillNumber: string) =>
  (await client().getShipment({ waybillNumber })).shipment;

const statesOf = async (waybillNumber: string) => {
  const shipment = await shipmentOf(waybillNumber);
  return [shipment?.parent, ...(shipment?.children ?? [])].map((each) => each?.state);
};

const { ISSUED, CANCELLED } = Waybill_State;

describe('a shipment of several parcels', () => {
  it('names parent and place in every answer, in whatever order it was asked for', async () => {
    const outcomes = await issue(parcelsOf('P-1', [3, 1, 2]));
    const answers = outcomes.map(({ outcome }) => outcome.value);
    const parent = answers[1];
    const parentNumber = parent && 'waybillNumber' in parent ? parent.waybillNumber : '';
    expect(answers).toMatchObject([
      { parcelNo: 3, parcelCount: 3, parentWaybillNumber: parentNumber },
      { parcelNo: 1, parcelCount: 3, parentWaybillNumber: '' },
      { parcelNo: 2, parcelCount: 3, parentWaybillNumber: parentNumber },
    ]);
    const numbers = await numbersOf(parcelsOf('P-1', [1, 2, 3]));
    expect(numbers[0]).toBe(parentNumber);
    const { outcomes: read } = await client().batchGetWaybills({ waybillNumbers: numbers });
    expect(read.map(({ outcome }) => outcome.value)).toMatchObject([
      { parcelNo: 1, parcelCount: 3, parentWaybillNumber: '' },
      { parcelNo: 2, parcelCount: 3, parentWaybillNumber: parentNumber },
      { parcelNo: 3, parcelCount: 3, parentWaybillNumber: parentNumber },
    ]);
  });

  it('is read by any of its numbers, and tells how many are missing', async () => {
    const [parent = '', child = ''] = await numbersOf(parcelsOf('P-2', [1, 4], 5));
    const shipment = await shipmentOf(parent);
    expect(shipment).toMatchObject({
      ...{ orderRef: 'P-2', parcelCount: 5, missingCount: 3 },
      parent: { waybillNumber: parent },
      children: [{ waybillNumber: child, parcelNo: 4 }],
    });
    expect(await shipmentOf(child)).toEqual(shipment);
    const [single = ''] = await numbersOf([parcelOf(shop, 'P-3')]);
    expect(await shipmentOf(single)).toMatchObject({
      ...{ parcelCount: 1, missingCount: 0, children: [], parent: { waybillNumber: single } },
    });
    const other = await seedMerchant(system);
    const foreign = system.waybill(other.apiKey).getShipment({ waybillNumber: parent });
    await expect(foreign).rejects.toMatchObject({ reason: 'WAYBILL_NOT_FOUND' });
  });

  it('takes a child in a later call, and answers a repeat the same', async () => {
    const [parent = ''] = await numbersOf(parcelsOf('P-4', [1]));
    const first = await issue(parcelsOf('P-4', [2]));
    expect(first[0]?.outcome.value).toMatchObject({ parentWaybillNumber: parent });
    const again = await issue(parcelsOf('P-4', [2]));
    expect(again[0]?.outcome.value).toMatchObject({
      ...first[0]?.outcome.value,
      alreadyIssued: true,
    });
    const one = await client().issueWaybill({ parcel: parcelsOf('P-4', [3])[0] as ParcelInit });
    expect(one.issued).toMatchObject({ parcelNo: 3, parentWaybillNumber: parent });
  });

  it('has no child without a live parent', async () => {
    const missing = ['PARENT_MISSING', 'parcel_no'];
    expect((await issue(parcelsOf('P-5', [2, 3]))).map(errorOf)).toEqual([missing, missing]);
    // A parent that is refused takes its children with it, and nobody else.
    const [bad] = parcelsOf('P-6', [1]) as [ParcelInit];
    const batch = [
      { ...bad, serviceCode: 'teleport' },
      ...parcelsOf('P-6', [2]),
      parcelOf(shop, 'P-7'),
    ];
    expect((await issue(batch)).map(errorOf)).toEqual([
      ['SERVICE_NOT_OFFERED', 'service_code'],
      missing,
      'issued',
    ]);
    const [parent = ''] = await numbersOf(parcelsOf('P-8', [1]));
    await client().cancelWaybill({ waybillNumber: parent });
    expect((await issue(parcelsOf('P-8', [2]))).map(errorOf)).toEqual([missing]);
  });

  it.each<[string, ParcelInit]>([
    ['node_id', { nodeId: 'other' }],
    ['courier_id', { courierId: 'other' }],
    ['service_code', { serviceCode: 'same-day' }],
    ['order_ref', { orderRef: 'p-9' }],
    ['parcel_count', { parcelCount: 4 }],
    ['consignee.phone', { consignee: { ...consignee(), phone: '13900000000' } }],
  ])('refuses a child whose %s is not its parent’s', async (field, change) => {
    await issue(parcelsOf('P-9', [1]));
    const [child] = parcelsOf('P-9', [2]) as [ParcelInit];
    const [outcome] = await issue([{ ...child, ...change }]);
    expect(errorOf(outcome as IssueOutcome)).toEqual(['FIELD_INVALID', field]);
  });

  it('lets children differ in what is inside them', async () => {
    const [parent, child] = parcelsOf('P-10', [1, 2]) as [ParcelInit, ParcelInit];
    const goods = { weightG: 9, goodsDescription: '书', mergedOrderRefs: ['X-1'] };
    await numbersOf([parent, { ...child, ...goods, serviceCode: 'standard' }]);
  });

  it.each<[string, ParcelInit]>([
    ['parcel_count', { parcelCount: 1_000 }],
    ['parcel_count', { parcelCount: -1 }],
    ['parcel_no', { parcelCount: 3, parcelNo: 4 }],
  ])('refuses a wrong %s', async (field, change) => {
    const [outcome] = await issue([parcelOf(shop, 'P-11', change)]);
    expect(errorOf(outcome as IssueOutcome)).toEqual(['FIELD_INVALID', field]);
  });
});

describe('a change of a shipment', () => {
  it('cancels all parcels at once, with an event for each, and again without', async () => {
    const numbers = await numbersOf(parcelsOf('C-1', [1, 2, 3]));
    const cancel = () =>
      client().cancelWaybill({ waybillNumber: numbers[1] as string, extent: Extent.SHIPMENT });
    const first = await cancel();
    expect(first.shipment.map((each) => [each.waybillNumber, each.state])).toEqual(
      numbers.map((number) => [number, CANCELLED]),
    );
    expect(first.waybill).toEqual(first.shipment[1]);
    expect(await cancel()).toEqual(first);
    const events = await system.database.query(`select from waybill.outbox where subject = $1`, [
      `queqiao.v1.waybill.${shop.courierId}.cancelled`,
    ]);
    // One more for the parent that an earlier test cancelled alone.
    expect(events).toHaveLength(4);
  });

  it('does not cancel a parent alone while a child is live', async () => {
    const [parent = '', child = ''] = await numbersOf(parcelsOf('C-2', [1, 2]));
    const alone = () => client().cancelWaybill({ waybillNumber: parent });
    await expect(alone()).rejects.toMatchObject({
      reason: 'CHILDREN_LIVE',
      metadata: { waybill_number: parent, count: '1' },
    });
    await client().cancelWaybill({ waybillNumber: child });
    await alone();
    expect(await statesOf(parent)).toEqual([CANCELLED, CANCELLED]);
  });

  it('changes what is shared for all or for none', async () => {
    const numbers = await numbersOf(parcelsOf('C-3', [1, 2, 3]));
    const [, waybillNumber = ''] = numbers;
    const address = { province: '湖北省', city: '武汉市', detail: '沿江大道2号' };
    const change = { waybillNumber, version: 1, address, serviceCode: 'same-day' };
    await expect(client().updateWaybill(change)).rejects.toMatchObject({
      reason: 'SHIPMENT_ONLY',
      metadata: { waybill_number: waybillNumber, count: '3', field: 'service_code' },
    });
    const whole = { ...change, extent: Extent.SHIPMENT };
    const { shipment } = await client().updateWaybill(whole);
    expect(shipment).toMatchObject(
      numbers.map((number) => ({
        ...{ waybillNumber: number, version: 2, serviceCode: 'same-day' },
        consignee: { city: '武汉市' },
      })),
    );
    // The rest is each parcel's own affair; what is the same is no change.
    const { waybill } = await client().updateWaybill({ ...change, version: 2, weightG: 5 });
    expect(waybill).toMatchObject({ version: 3, weightG: 5 });
    // A child that comes now has to agree with the parcels as they are.
    const { outcomes } = await client().issueWaybills({ parcels: parcelsOf('C-3', [3]) });
    expect(outcomes[0]?.outcome.value).toMatchObject({ alreadyIssued: true });
  });

  it('passes over cancelled parcels and leaves nothing half done', async () => {
    const numbers = await numbersOf(parcelsOf('C-4', [1, 2, 3]));
    const [first = '', , third = ''] = numbers;
    await client().cancelWaybill({ waybillNumber: third });
    const change = { waybillNumber: first, extent: Extent.SHIPMENT, weightG: 2 };
    const late = client().updateWaybill({ ...change, waybillNumber: third, version: 2 });
    await expect(late).rejects.toMatchObject({ reason: 'STATE_NOT_ALLOWED' });
    await client().updateWaybill({ ...change, version: 1 });
    const shipment = await shipmentOf(first);
    expect(shipment?.parent?.weightG).toBe(2);
    expect(shipment?.children.map(({ weightG }) => weightG)).toEqual([2, 1_250]);
    await system.database.query(
      `update waybill.waybill set state = 'recalled' where waybill_number = $1`,
      [numbers[1]],
    );
    const update = client().updateWaybill({ ...change, version: 2, weightG: 3 });
    await expect(update).rejects.toMatchObject({ reason: 'STATE_NOT_ALLOWED' });
    const cancel = client().cancelWaybill({ waybillNumber: first, extent: Extent.SHIPMENT });
    await expect(cancel).rejects.toMatchObject({ reason: 'STATE_NOT_ALLOWED' });
    expect((await shipmentOf(first))?.parent).toMatchObject({ state: ISSUED, weightG: 2 });
  });

  it('of a single parcel is a change of that parcel', async () => {
    const [waybillNumber = ''] = await numbersOf([parcelOf(shop, 'C-5')]);
    const { shipment } = await client().cancelWaybill({ waybillNumber, extent: Extent.SHIPMENT });
    expect(shipment.map(({ state }) => state)).toEqual([CANCELLED]);
    const wrong = client().cancelWaybill({ waybillNumber, extent: 9 as Extent });
    await expect(wrong).rejects.toMatchObject({ field: 'extent' });
  });
});

describe('a child that comes while its parent changes', () => {
  /** A connection of its own in a transaction, as another process would have. */
  async function rival(lock: string, number: string) {
    const client = new Client({ connectionString: system.database.url });
    await client.connect();
    await client.query('begin');
    const row = `from waybill.waybill where waybill_number = $1`;
    await client.query(`select ${row} for ${lock}`, [number]);
    return {
      query: (text: string) => client.query(text, [number]),
      commit: async () => {
        await client.query('commit');
        await client.end();
      },
    };
  }

  const someoneWaits = () =>
    vi.waitFor(async () => {
      const waiting = await system.database.query('select from pg_locks where not granted');
      expect(waiting.length).toBeGreaterThan(0);
    }, 5_000);

  it('waits for a cancellation under way and is refused', async () => {
    const [parent = ''] = await numbersOf(parcelsOf('W-1', [1]));
    const other = await rival('update', parent);
    const child = issue(parcelsOf('W-1', [2]));
    await someoneWaits();
    await other.query(
      `update waybill.waybill set state = 'cancelled', cancel_time = now(), version = 2
       where waybill_number = $1`,
    );
    await other.commit();
    expect((await child).map(errorOf)).toEqual([['PARENT_MISSING', 'parcel_no']]);
  });

  it('is seen by a cancellation that began before it', async () => {
    const [parent = ''] = await numbersOf(parcelsOf('W-2', [1]));
    const other = await rival('share', parent);
    const cancel = client().cancelWaybill({ waybillNumber: parent });
    const settled = Promise.allSettled([cancel]);
    await someoneWaits();
    await numbersOf(parcelsOf('W-2', [2]));
    await other.commit();
    expect(await settled).toMatchObject([{ reason: { reason: 'CHILDREN_LIVE' } }]);
    expect(await statesOf(parent)).toEqual([ISSUED, ISSUED]);
  });

  it('never lives under a cancelled parent, nor differs from one that was changed', async () => {
    for (let round = 0; round < 8; round++) {
      const [parent = ''] = await numbersOf(parcelsOf(`W-3-${round}`, [1]));
      const address = { province: '湖北省', detail: '沿江大道2号' };
      const change = { waybillNumber: parent, extent: Extent.SHIPMENT };
      await Promise.allSettled([
        issue(parcelsOf(`W-3-${round}`, [2])),
        round % 2 === 0
          ? client().cancelWaybill(change)
          : client().updateWaybill({ ...change, version: 1, address }),
        issue(parcelsOf(`W-3-${round}`, [3])),
      ]);
      const shipment = await shipmentOf(parent);
      for (const child of shipment?.children ?? []) {
        expect(child.state).toBe(shipment?.parent?.state);
        expect(child.consignee).toEqual(shipment?.parent?.consignee);
      }
    }
  });

  it('does not stop others when many come at once', async () => {
    const shipments = Array.from({ length: 30 }, (_, i) =>
      numbersOf([...parcelsOf(`W-4-${i}`, [1, 2, 3]), parcelOf(shop, `W-5-${i}`)]),
    );
    expect(new Set((await Promise.all(shipments)).flat()).size).toBe(120);
  });
});

function consignee() {
  return parcelOf({ courierId: '', nodeId: '' }, '').consignee as object;
}
