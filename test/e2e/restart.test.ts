import { describe, expect, it, vi } from 'vitest';
import { reasonOf } from '#libs/errors';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

// What a warehouse needs to be sure of when the services stop and start around it.

describe('a restart', () => {
  it('leaves no gap in a prepaid range and draws no number twice', async () => {
    await using system = await testSystem({ natsUrl: undefined });
    const shop = await seedMerchant(system, { numberCount: 300n });
    const numbers: string[] = [];
    for (let round = 0; round < 6; round++) {
      numbers.push(...(await issue(system, shop, `ROUND-${round}`, 50)));
      await system.restart();
    }
    expect(new Set(numbers).size).toBe(300);
    const rest = await outcomesOf(system, shop, 'REST', 1);
    expect(rest).toEqual(['NUMBER_RANGE_EXHAUSTED']);
  });

  it('hands numbers of one merchant’s lease to another and still finds all of them', async () => {
    await using system = await testSystem({ natsUrl: undefined });
    const shop = await seedMerchant(system, { numberCount: 1_000n });
    const other = { ...(await seedMerchant(system)), courierId: shop.courierId };
    const mine = await issue(system, shop, 'MINE', 3);
    // Remembers the lease as it is before the restart.
    await find(system, mine);
    await system.restart();
    const theirs = await issue(system, other, 'THEIRS', 30);
    const later = await issue(system, shop, 'LATER', 30);
    const all = [...mine, ...theirs, ...later];
    expect(new Set(all).size).toBe(63);
    expect(await find(system, all)).toEqual(all);
  });

  it('answers a parcel that was issued before with the same number', async () => {
    await using system = await testSystem({ natsUrl: undefined });
    const shop = await seedMerchant(system);
    const first = await issue(system, shop, 'SAME', 20);
    await system.restart();
    expect(await issue(system, shop, 'SAME', 20)).toEqual(first);
  });

  it('lets calls in flight finish or refuses them so that a repeat settles them', async () => {
    await using system = await testSystem({ natsUrl: undefined });
    const shop = await seedMerchant(system);
    const client = system.waybill(shop.apiKey);
    const calls = Array.from({ length: 100 }, (_, i) =>
      client.issueWaybill({ parcel: parcelOf(shop, `FLIGHT-${i}`) }).then(
        ({ issued }) => issued?.waybillNumber,
        (error) => {
          expect(error).toMatchObject({ retryable: true });
          return undefined;
        },
      ),
    );
    await system.restart();
    const answered = await Promise.all(calls);
    // So many failures in a row stop the client from repeating by itself for a moment.
    const settled = await vi.waitFor(() => issue(system, shop, 'FLIGHT', 100), 10_000);
    for (const [i, number] of answered.entries()) {
      if (number !== undefined) expect(settled[i]).toBe(number);
    }
    expect(new Set(settled).size).toBe(100);
  });
});

async function outcomesOf(
  system: TestSystem,
  shop: SeededMerchant,
  tag: string,
  count: number,
): Promise<string[]> {
  const parcels = Array.from({ length: count }, (_, i) => parcelOf(shop, `${tag}-${i}`));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'issued'
      ? outcome.value.waybillNumber
      : reasonOf(outcome.value?.reason ?? ErrorReason.INTERNAL),
  );
}

async function issue(
  system: TestSystem,
  shop: SeededMerchant,
  tag: string,
  count: number,
): Promise<string[]> {
  const numbers = await outcomesOf(system, shop, tag, count);
  for (const number of numbers) expect(number).toMatch(/^Q\d{16}$/);
  return numbers;
}

async function find(system: TestSystem, waybillNumbers: string[]): Promise<string[]> {
  const { outcomes } = await system.waybill().batchGetWaybills({ waybillNumbers });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'waybill' ? outcome.value.waybillNumber : '',
  );
}
