import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPool, transaction } from '#libs/db';
import { reasonOf } from '#libs/errors';
import { createLogger } from '#libs/log';
import type { IssueOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import { secondServer } from '#test/support/second-server';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { parcels, recount, seedAccount, topUp, usageOf } from './account.fixture.ts';
import { lockAccounts, selectUsages } from './store/account.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

async function issue(wanted: ParcelInit[], client = system.waybill(shop.apiKey)) {
  return (await client.issueWaybills({ parcels: wanted })).outcomes;
}

function shown({ outcome }: IssueOutcome): string {
  if (outcome.case === 'issued') return outcome.value.alreadyIssued ? 'again' : 'new';
  return outcome.case === 'error' ? reasonOf(outcome.value.reason) : '';
}

describe('a prepaid account', () => {
  it('pays for as many parcels as it holds, in the order of the call', async () => {
    shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, { count: 3n });
    const outcomes = await issue(parcels(shop, 'A', 5));
    expect(outcomes.map(shown)).toEqual(['new', 'new', 'new', 'QUOTA_EMPTY', 'QUOTA_EMPTY']);
    expect(outcomes[4]?.outcome.value).toMatchObject({
      field: 'account_id',
      metadata: { account_id: accountId, courier_id: shop.courierId, balance: '0' },
    });
    // What is issued stays so, and costs nothing again.
    expect((await issue(parcels(shop, 'A', 4))).map(shown)).toEqual([
      ...['again', 'again', 'again'],
      'QUOTA_EMPTY',
    ]);
    await topUp(system, shop, accountId, 1n);
    expect((await issue(parcels(shop, 'A', 5).toReversed())).map(shown)).toEqual([
      ...['new', 'QUOTA_EMPTY', 'again', 'again', 'again'],
    ]);
    const usage = await usageOf(system, shop, accountId);
    expect(usage).toMatchObject({ grantedCount: 4n, drawnCount: 4n, balanceCount: 0n });
  });

  it('pays once for a parcel that stands twice in a call', async () => {
    shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, { count: 2n });
    const twice = [parcelOf(shop, 'B'), parcelOf(shop, 'B'), parcelOf(shop, 'C')];
    expect((await issue(twice)).map(shown)).toEqual(['new', 'again', 'new']);
    expect(await usageOf(system, shop, accountId)).toMatchObject({ balanceCount: 0n });
  });

  it('holds up no parcels that it does not pay for', async () => {
    shop = await seedMerchant(system);
    const empty = await seedAccount(system, shop);
    const full = await seedAccount(system, shop, { count: 9n });
    const wanted = [empty, full, empty, full].map((accountId, i) =>
      parcelOf(shop, `D-${i}`, { accountId }),
    );
    expect((await issue(wanted)).map(shown)).toEqual(['QUOTA_EMPTY', 'new', 'QUOTA_EMPTY', 'new']);
    const single = system.waybill(shop.apiKey).issueWaybill({ parcel: wanted[0] as ParcelInit });
    await expect(single).rejects.toMatchObject({ reason: 'QUOTA_EMPTY' });
  });

  it('gives numbers back that no parcel was paid with', async () => {
    shop = await seedMerchant(system, { numberCount: 64n });
    const accountId = await seedAccount(system, shop);
    for (let i = 0; i < 5; i++) {
      const refused = await issue(parcels(shop, `E${i}`, 40));
      expect(new Set(refused.map(shown))).toEqual(new Set(['QUOTA_EMPTY']));
    }
    await topUp(system, shop, accountId, 64n);
    expect(new Set((await issue(parcels(shop, 'F', 64))).map(shown))).toEqual(new Set(['new']));
  });

  it('is refunded by cancels, where it is registered so', async () => {
    shop = await seedMerchant(system);
    const refunding = await seedAccount(system, shop, {
      ...{ count: 2n, refundOnCancel: true, lowBalanceCount: 1n },
    });
    const strict = await seedAccount(system, shop, { count: 2n });
    const client = system.waybill(shop.apiKey);
    for (const [accountId, balance] of [
      [refunding, 1n],
      [strict, 0n],
    ] as const) {
      const wanted = parcels(shop, accountId, 2).map((parcel) => ({ ...parcel, accountId }));
      await issue(wanted);
      const { waybills } = await client.listWaybills({ pageSize: 1 });
      const waybillNumber = waybills[0]?.waybillNumber ?? '';
      await client.cancelWaybill({ waybillNumber });
      const usage = { drawnCount: 2n, cancelledCount: 1n, balanceCount: balance };
      expect(await usageOf(system, shop, accountId)).toMatchObject(usage);
    }
    const more = parcelOf(shop, 'G', { accountId: refunding });
    expect((await issue([more])).map(shown)).toEqual(['new']);
  });

  it('is never overdrawn by two servers and many calls at once', async () => {
    shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, { count: 100n });
    await using second = await secondServer(system);
    const clients = [system.waybill(shop.apiKey), second.waybill(shop.apiKey)] as const;
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        // Every third call asks for what others ask for at the same time.
        issue(parcels(shop, i % 3 === 0 ? 'SAME' : `H${i}`, 9), clients[i % 2]),
      ),
    );
    const counts = new Map<string, number>();
    for (const outcome of outcomes.flat().map(shown)) {
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
    }
    expect(counts.get('new')).toBe(100);
    const usage = await usageOf(system, shop, accountId);
    expect(usage).toMatchObject({ balanceCount: 0n, drawnCount: 100n });
    expect(usage).toMatchObject(await recount(system, shop, accountId));
  });

  it('would be overdrawn without the lock', async () => {
    // The steps of the writer, interleaved as two processes may be; with the lock and without.
    const overdrawn = async (lock: boolean) => {
      shop = await seedMerchant(system);
      const accountId = await seedAccount(system, shop, { count: 1n });
      const { merchantId: merchant_id, courierId: courier_id } = shop;
      const terms = {
        ...{ merchant_id, courier_id, account_id: accountId },
        ...{ is_prepaid: true, is_refunding: false, low_balance_count: 0n },
      };
      const log = createLogger({ name: 'test', level: 'silent' });
      await using pool = openPool({ url: system.database.url, name: 'twin', log });
      const bothRead = gate(lock ? 1 : 2);
      const spend = () =>
        transaction(pool, async (tx) => {
          if (lock) await lockAccounts(tx, [terms]);
          const [usage] = await selectUsages(tx, [terms]);
          await bothRead();
          if (BigInt(usage?.balance_count ?? 0) < 1n) return 0;
          await tx.query(
            `insert into waybill.account_delta (merchant_id, courier_id, account_id, drawn_count)
             values ($1, $2, $3, 1)`,
            [merchant_id, courier_id, accountId],
          );
          return 1;
        });
      await Promise.all([spend(), spend()]);
      return (await usageOf(system, shop, accountId)).balanceCount < 0n;
    };
    expect(await overdrawn(true)).toBe(false);
    expect(await overdrawn(false)).toBe(true);
  });
});

/** Waits until so many have come; who comes later passes. */
function gate(count: number): () => Promise<void> {
  let missing = count;
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    missing -= 1;
    if (missing <= 0) open();
    return opened;
  };
}
