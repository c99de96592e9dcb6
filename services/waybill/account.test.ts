import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPool, type Pool, transaction } from '#libs/db';
import { createLogger } from '#libs/log';
import { secondServer } from '#test/support/second-server';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { parcels, recount, seedAccount, topUp, usageOf } from './account.fixture.ts';
import { Accounts } from './account.ts';
import { type AccountKey, insertDeltas, lockAccounts, selectUsages } from './store/account.ts';

let system: TestSystem;
let pool: Pool;

beforeAll(async () => {
  system = await testSystem({ cancelRatio: { percent: 100, freeCount: 0 } });
  const log = createLogger({ name: 'test', level: 'silent' });
  pool = openPool({ url: system.database.url, name: 'account-test', log });
});
afterAll(async () => {
  await pool?.[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

function openAccounts(): Accounts {
  const log = createLogger({ name: 'test', level: 'silent' });
  const cancelRatio = { percent: 100, freeCount: 0 };
  return new Accounts({ pool, cancelRatio, log, now: () => new Date() });
}

const key = (account_id: string): AccountKey => ({
  merchant_id: 'folding',
  courier_id: 'swift',
  account_id,
});

async function cancelledOf(keys: AccountKey[]): Promise<bigint> {
  const usages = await selectUsages(pool, keys);
  return usages.reduce((sum, usage) => sum + BigInt(usage.cancelled_count), 0n);
}

describe('folding', () => {
  it('never changes a figure, at whatever moment and by however many', async () => {
    const keys = ['', 'one', 'two'].map(key);
    await using first = openAccounts();
    await using second = openAccounts();
    let isWriting = true;
    let begun = 0n;
    let ended = 0n;
    const writer = async () => {
      for (let i = 0; i < 150; i++) {
        begun += 3n;
        await transaction(pool, (tx) =>
          insertDeltas(
            tx,
            keys.map((each) => ({ ...each, cancelled_count: 1 })),
          ),
        );
        ended += 3n;
      }
    };
    const reader = async () => {
      let last = 0n;
      let count = 0;
      while (isWriting) {
        const least = ended;
        const seen = await cancelledOf(keys);
        expect(seen).toBeGreaterThanOrEqual(last);
        expect(seen).toBeGreaterThanOrEqual(least);
        expect(seen).toBeLessThanOrEqual(begun);
        last = seen;
        count += 1;
      }
      return count;
    };
    const folder = async (accounts: Accounts) => {
      let count = 0;
      while (isWriting) count += await accounts.fold();
      return count;
    };
    const background = [reader(), folder(first), folder(second)];
    await Promise.all([writer(), writer(), writer()]);
    isWriting = false;
    const [reads = 0, ...folds] = await Promise.all(background);
    expect(reads).toBeGreaterThan(10);
    expect(folds.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10);
    expect(await cancelledOf(keys)).toBe(1_350n);
    // What the other one folds by itself at this moment is passed over.
    await vi.waitFor(async () => {
      await first.fold();
      const left = await pool.query(
        `select from waybill.account_delta where merchant_id = 'folding'`,
      );
      expect(left).toHaveLength(0);
    }, 10_000);
    expect(await cancelledOf(keys)).toBe(1_350n);
  });

  it('would lose counts if it deleted what it had not added', async () => {
    const lost = key('lost');
    const add = () =>
      transaction(pool, (tx) => insertDeltas(tx, [{ ...lost, cancelled_count: 1 }]));
    await transaction(pool, (tx) =>
      lockAccounts(tx, [
        { ...lost, is_prepaid: false, is_refunding: false, low_balance_count: 0n },
      ]),
    );
    await add();
    // The sum in one statement and the deletion in another: what comes between them is gone.
    const [{ sum = '0' } = {}] = await pool.query<{ sum?: string }>(
      `select sum(cancelled_count) as sum from waybill.account_delta where account_id = 'lost'`,
    );
    await add();
    await pool.query(`delete from waybill.account_delta where account_id = 'lost'`);
    await pool.query(
      `update waybill.account_total set cancelled_count = cancelled_count + $1::int8
       where account_id = 'lost'`,
      [sum],
    );
    expect(await cancelledOf([lost])).not.toBe(2n);
  });

  it('leaves accounts alone that somebody else holds', async () => {
    await using accounts = openAccounts();
    const held = key('held');
    const free = key('free');
    for (const each of [held, free]) {
      await transaction(pool, (tx) => insertDeltas(tx, [{ ...each, cancelled_count: 1 }]));
    }
    await accounts.fold();
    for (const each of [held, free]) {
      await transaction(pool, (tx) => insertDeltas(tx, [{ ...each, cancelled_count: 1 }]));
    }
    const terms = { is_prepaid: false, is_refunding: false, low_balance_count: 0n };
    await transaction(pool, async (tx) => {
      await lockAccounts(tx, [{ ...held, ...terms }]);
      await accounts.fold();
      const left = await pool.query<{ account_id: string }>(
        `select account_id from waybill.account_delta where account_id in ('held', 'free')`,
      );
      expect(left.map(({ account_id }) => account_id)).toEqual(['held']);
    });
    expect(await cancelledOf([held, free])).toBe(4n);
  });
});

describe('any sequence of top-ups, draws and cancels', () => {
  it('keeps balance and counts exact, by two servers at once', async () => {
    await using second = await secondServer(system, {
      cancelRatio: { percent: 100, freeCount: 0 },
    });
    await using accounts = openAccounts();
    await fc.assert(
      fc.asyncProperty(fc.boolean(), ROUNDS, async (refundOnCancel, rounds) => {
        const shop = await seedMerchant(system);
        const accountId = await seedAccount(system, shop, { refundOnCancel, lowBalanceCount: 3n });
        const servers = [system.waybill(shop.apiKey), second.waybill(shop.apiKey)];
        const story: Story = { shop, accountId, servers, accounts, drawn: new Set(), granted: 0n };
        for (const round of rounds) {
          // The steps of a round run at once.
          await Promise.all(round.map((step) => take(story, step)));
          const usage = await usageOf(system, shop, accountId);
          expect(usage).toMatchObject(await recount(system, shop, accountId));
          const { granted, drawn } = story;
          expect(usage).toMatchObject({ grantedCount: granted, drawnCount: BigInt(drawn.size) });
          const refunded = refundOnCancel ? usage.cancelledCount : 0n;
          expect(usage.balanceCount).toBe(granted - usage.drawnCount + refunded);
          expect(usage.balanceCount).toBeGreaterThanOrEqual(0n);
          if (usage.drawnCount === 0n) continue;
          expect(usage.lowTime !== undefined).toBe(usage.balanceCount <= 3n);
        }
      }),
      { numRuns: 25 },
    );
  });
});

const STEP = fc.oneof(
  fc.record({ kind: fc.constant('topUp' as const), count: fc.integer({ min: -6, max: 9 }) }),
  fc.record({
    kind: fc.constant('draw' as const),
    from: fc.nat(20),
    count: fc.integer({ min: 1, max: 12 }),
    server: fc.nat(1),
  }),
  fc.record({ kind: fc.constant('cancel' as const), at: fc.nat(40), server: fc.nat(1) }),
  fc.constant({ kind: 'fold' as const }),
);
const ROUNDS = fc.array(fc.array(STEP, { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 6,
});

async function take(story: Story, step: Step): Promise<void> {
  const { shop, accountId, servers, accounts, drawn } = story;
  if (step.kind === 'fold') {
    await accounts.fold();
  } else if (step.kind === 'topUp') {
    if (step.count !== 0 && (await isAdded(story, BigInt(step.count)))) {
      story.granted += BigInt(step.count);
    }
  } else if (step.kind === 'cancel') {
    const waybillNumber = [...drawn][step.at];
    if (waybillNumber) await servers[step.server]?.cancelWaybill({ waybillNumber });
  } else {
    const wanted = parcels(shop, 'P', 40).slice(step.from, step.from + step.count);
    const answer = await servers[step.server]?.issueWaybills({ parcels: wanted });
    for (const { outcome } of answer?.outcomes ?? []) {
      if (outcome.case === 'issued') drawn.add(outcome.value.waybillNumber);
      else expect(outcome.value?.metadata).toMatchObject({ account_id: accountId });
    }
  }
}

async function isAdded({ shop, accountId }: Story, count: bigint): Promise<boolean> {
  try {
    await topUp(system, shop, accountId, count);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ reason: 'BALANCE_SHORT' });
    return false;
  }
}

type Step = typeof STEP extends fc.Arbitrary<infer S> ? S : never;
type Story = {
  shop: SeededMerchant;
  accountId: string;
  servers: ReturnType<TestSystem['waybill']>[];
  accounts: Accounts;
  drawn: Set<string>;
  granted: bigint;
};
