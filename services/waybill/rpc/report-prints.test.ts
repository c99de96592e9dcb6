import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonOf } from '#libs/errors';
import type { PrintOutcome } from '#proto/queqiao/waybill/v1/account_service';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels, recount, usageOf } from '../account.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

function report(numbers: string[], { requestId = randomUUID(), isReprint = false } = {}) {
  const notices = numbers.map((waybillNumber) => ({ waybillNumber, isReprint }));
  return system.account(shop.apiKey).reportPrints({ requestId, notices });
}

function shown({ outcome }: PrintOutcome) {
  if (outcome.case === 'printed') return outcome.value.printCount;
  return outcome.case === 'error' ? reasonOf(outcome.value.reason) : undefined;
}

describe('ReportPrints', () => {
  it('counts each notice once, of the waybill and of the account', async () => {
    shop = await seedMerchant(system);
    const numbers = await draw(system, shop, parcels(shop, 'P', 3));
    const requestId = randomUUID();
    const first = await report(numbers.slice(0, 2), { requestId });
    expect(first.outcomes.map(shown)).toEqual([1, 1]);
    // The same again, and with one more: what was noted counts nothing.
    expect((await report(numbers, { requestId })).outcomes.map(shown)).toEqual([1, 1, 1]);
    const again = await report(numbers.slice(0, 1), { isReprint: true });
    expect(again.outcomes.map(shown)).toEqual([2]);
    const [waybillNumber = ''] = numbers;
    const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber });
    expect(waybill).toMatchObject({ printCount: 2, version: 1 });
    const { lastPrintTime } = waybill ?? {};
    expect(again.outcomes[0]?.outcome.value).toMatchObject({ lastPrintTime });
    expect(await usageOf(system, shop)).toMatchObject({ printedCount: 4n });
    expect(await usageOf(system, shop)).toMatchObject(await recount(system, shop));
  });

  it('counts once what is sent many times at once', async () => {
    shop = await seedMerchant(system);
    const numbers = await draw(system, shop, parcels(shop, 'Q', 40));
    const requestId = randomUUID();
    const calls = Array.from({ length: 8 }, (_, i) =>
      report(i % 2 === 0 ? numbers : numbers.toReversed(), i < 4 ? { requestId } : {}),
    );
    await Promise.all(calls);
    // Four of one request, and four of their own.
    expect(await usageOf(system, shop)).toMatchObject({ printedCount: 200n });
    expect(await recount(system, shop)).toMatchObject({ printedCount: 200n });
  });

  it('answers each notice by itself, and takes prints of what is cancelled', async () => {
    shop = await seedMerchant(system);
    const [number = '', gone = ''] = await draw(system, shop, parcels(shop, 'R', 2));
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber: gone });
    const { outcomes } = await report([number, 'a', 'Q0000000000', number, gone]);
    expect(outcomes.map(shown)).toEqual([
      1,
      'FIELD_INVALID',
      'WAYBILL_NOT_FOUND',
      'FIELD_INVALID',
      1,
    ]);
    expect(outcomes.map(({ waybillNumber }) => waybillNumber)[1]).toBe('a');
    expect(outcomes[3]?.outcome.value).toMatchObject({ field: 'waybill_number' });
    expect(outcomes[4]?.outcome.value).toMatchObject({ state: Waybill_State.CANCELLED });
    const requestId = randomUUID();
    await report([number], { requestId });
    const changed = await report([number], { requestId, isReprint: true });
    expect(changed.outcomes.map(shown)).toEqual(['REQUEST_ID_REUSED']);
    expect(await usageOf(system, shop)).toMatchObject({ printedCount: 3n });
  });

  it('refuses what is no report, and waybills of others', async () => {
    shop = await seedMerchant(system);
    const [number = ''] = await draw(system, shop, parcels(shop, 'S', 1));
    const client = system.account(shop.apiKey);
    const notices = [{ waybillNumber: number }];
    const faults: [object, string][] = [
      [{ notices }, 'request_id'],
      [{ requestId: 'x', notices }, 'request_id'],
      [{ requestId: randomUUID() }, 'notices'],
      [{ requestId: randomUUID(), notices: Array(1_001).fill(notices[0]) }, 'notices'],
      [{ requestId: randomUUID(), notices, merchantId: 'other' }, 'merchant_id'],
    ];
    for (const [request, field] of faults) {
      await expect(client.reportPrints(request), field).rejects.toMatchObject({ field });
    }
    const other = await seedMerchant(system);
    const requestId = randomUUID();
    const foreign = await system.account(other.apiKey).reportPrints({ requestId, notices });
    expect(foreign.outcomes.map(shown)).toEqual(['WAYBILL_NOT_FOUND']);
    expect(await usageOf(system, shop)).toMatchObject({ printedCount: 0n });
  });
});
