import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPool, transaction } from '#libs/db';
import { createLogger } from '#libs/log';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import { secondServer } from '#test/support/second-server';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels, recount, seedAccount, usageOf } from '../account.fixture.ts';
import { cancellableOf } from '../cancel-ratio.ts';
import { insertDeltas, lockAccounts, selectUsages } from '../store/account.ts';

const RATIO = { percent: 20, freeCount: 10 };

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem({ cancelRatio: RATIO });
});
afterAll(() => system[Symbol.asyncDispose]());

function cancel(numbers: string[]) {
  const client = system.waybill(shop.apiKey);
  const calls = numbers.map((waybillNumber) => client.cancelWaybill({ waybillNumber }));
  return Promise.allSettled(calls);
}

const done = (outcomes: PromiseSettledResult<unknown>[]) =>
  outcomes.filter(({ status }) => status === 'fulfilled').length;

describe('the share of waybills that may be cancelled', () => {
  it('is not limited below so many drawn, and counts from there on', async () => {
    shop = await seedMerchant(system);
    const numbers = await draw(system, shop, parcels(shop, 'A', 9));
    expect(done(await cancel(numbers.slice(0, 4)))).toBe(4);
    numbers.push(...(await draw(system, shop, parcels(shop, 'B', 1))));
    const refused = await cancel(numbers.slice(4, 5));
    expect(refused[0]).toMatchObject({
      reason: {
        reason: 'CANCEL_RATIO_EXCEEDED',
        metadata: { drawn: '10', cancelled: '4', percent: '20', allowed: '2' },
        textEn: '4 of 10 drawn waybills are cancelled; at most 20 % may be, which is 2',
      },
    });
    const { waybill } = await system
      .waybill(shop.apiKey)
      .getWaybill({ waybillNumber: numbers[4] ?? '' });
    expect(waybill?.state).toBe(Waybill_State.ISSUED);
    // What is cancelled answers the same again.
    expect(done(await cancel(numbers.slice(0, 4)))).toBe(4);
    await draw(system, shop, parcels(shop, 'C', 15));
    expect(done(await cancel(numbers.slice(4, 10)))).toBe(1);
    expect(await usageOf(system, shop)).toMatchObject({ drawnCount: 25n, cancelledCount: 5n });
  });

  it('is counted for each account by itself', async () => {
    shop = await seedMerchant(system);
    const [one, two] = [
      await seedAccount(system, shop, { count: 20n }),
      await seedAccount(system, shop, { count: 20n }),
    ];
    const byOne = parcels(shop, 'D', 10).map((parcel) => ({ ...parcel, accountId: one }));
    const byTwo = parcels(shop, 'E', 20).map((parcel) => ({ ...parcel, accountId: two }));
    expect(done(await cancel(await draw(system, shop, byOne)))).toBe(2);
    expect(done(await cancel(await draw(system, shop, byTwo)))).toBe(4);
    expect(await usageOf(system, shop, one)).toMatchObject(await recount(system, shop, one));
    expect(await usageOf(system, shop, two)).toMatchObject(await recount(system, shop, two));
  });

  it('holds for two servers that cancel at once', async () => {
    shop = await seedMerchant(system);
    await using second = await secondServer(system, { cancelRatio: RATIO });
    const numbers = await draw(system, shop, parcels(shop, 'F', 50));
    expect(done(await cancel(numbers.slice(0, 9)))).toBe(9);
    // One more is allowed, and many who want it stand before the same lock.
    const { merchantId, courierId } = shop;
    await system.database.query('begin');
    await system.database.query(
      `select from waybill.account_total where merchant_id = $1 and courier_id = $2 for update`,
      [merchantId, courierId],
    );
    const clients = [system.waybill(shop.apiKey), second.waybill(shop.apiKey)] as const;
    const calls = Promise.allSettled(
      numbers.slice(10, 16).map((waybillNumber, i) =>
        // Each client takes every second one.
        (clients[i % 2] ?? clients[0]).cancelWaybill({ waybillNumber }),
      ),
    );
    await vi.waitFor(async () => {
      const waiting = await system.database.query('select from pg_locks where not granted');
      expect(waiting.length).toBeGreaterThanOrEqual(6);
    }, 8_000);
    await system.database.query('commit');
    expect(done(await calls)).toBe(1);
    expect(await recount(system, shop)).toMatchObject({ cancelledCount: 10n });
  });

  it('would be exceeded without the lock', async () => {
    // The steps of a cancel, by two at once; with the lock and without.
    const exceeded = async (lock: boolean) => {
      shop = await seedMerchant(system);
      await draw(system, shop, parcels(shop, 'G', 10));
      const key = { merchant_id: shop.merchantId, courier_id: shop.courierId, account_id: '' };
      const terms = { is_prepaid: false, is_refunding: false, low_balance_count: 0n };
      const log = createLogger({ name: 'test', level: 'silent' });
      await using pool = openPool({ url: system.database.url, name: 'twin', log });
      let missing = lock ? 1 : 2;
      let open = () => {};
      const bothRead = new Promise<void>((resolve) => {
        open = resolve;
      });
      const cancelTwo = () =>
        transaction(pool, async (tx) => {
          if (lock) await lockAccounts(tx, [{ ...key, ...terms }]);
          const [usage] = await selectUsages(tx, [key]);
          missing -= 1;
          if (missing <= 0) open();
          await bothRead;
          const cancelled = BigInt(usage?.cancelled_count ?? 0) + 2n;
          if (cancelled > (cancellableOf(BigInt(usage?.drawn_count ?? 0), RATIO) ?? 0n)) return;
          await insertDeltas(tx, [{ ...key, cancelled_count: 2 }]);
        });
      await Promise.all([cancelTwo(), cancelTwo()]);
      return (await usageOf(system, shop)).cancelledCount > 2n;
    };
    expect(await exceeded(true)).toBe(false);
    expect(await exceeded(false)).toBe(true);
  });
});
