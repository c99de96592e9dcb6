import type { Pool, Tx } from '#libs/db';
import { transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { Logger } from '#libs/log';
import { background, type Clock, sleep } from '#libs/run';
import { type CancelRatio, cancellableOf } from './cancel-ratio.ts';
import { enqueueCrossed } from './events.ts';
import type { AccountKey, AccountTerms, AccountUsageRow, CrossedAccount } from './store/account.ts';
import * as store from './store/account.ts';

const FOLD_INTERVAL_MS = 2_000;
const FOLD_ACCOUNTS_MAX = 500;

/**
 * What accounts have used. Statements append what they did, so that none waits for another; in the
 * background it is folded into one row for each account. Whoever needs a figure that nobody may
 * change meanwhile, for a balance or a ratio, locks that row first.
 */
export class Accounts implements AsyncDisposable {
  readonly #deps: AccountsDeps;
  readonly #folding: AsyncDisposable;

  constructor(deps: AccountsDeps) {
    this.#deps = deps;
    this.#folding = background('account fold', (signal) => this.#foldForEver(signal), deps);
  }

  /**
   * Counts waybills as cancelled, in the transaction that cancels them; CANCEL_RATIO_EXCEEDED if
   * that would be too many of an account's. All of them or none.
   */
  async cancel(tx: Tx, rows: AccountKey[]): Promise<void> {
    const counts = countByAccount(rows);
    await store.lockAccounts(tx, counts.map(withoutTerms));
    const usages = await store.selectUsages(tx, counts);
    for (const [i, usage] of usages.entries()) {
      mustMayCancel(usage, counts[i]?.cancelled_count ?? 0, this.#deps.cancelRatio);
    }
    await store.insertDeltas(tx, counts);
    const refunding = usages.filter((usage) => usage.is_refunding);
    if (refunding.length > 0) await this.settle(tx, refunding);
  }

  /** Brings the totals of locked accounts up to date and announces what crossed its mark. */
  async settle(tx: Tx, keys: AccountKey[]): Promise<void> {
    const time = this.#deps.now();
    await store.foldDeltas(tx, keys);
    const crossed = await store.updateLow(tx, keys, time);
    if (crossed.length === 0) return;
    await enqueueCrossed(tx, crossed, time);
    // Before the commit: a line too many, after a failure, is better than one too few.
    for (const account of crossed) if (account.is_low) this.#warn(account);
  }

  /** Folds what there is to fold; answers how many accounts that were. */
  async fold(): Promise<number> {
    const { pool } = this.#deps;
    const missing = await store.selectWithoutTotal(pool, FOLD_ACCOUNTS_MAX);
    return transaction(pool, async (tx) => {
      if (missing.length > 0) await store.lockAccounts(tx, missing.map(withoutTerms));
      const keys = await store.lockFoldable(tx, FOLD_ACCOUNTS_MAX);
      if (keys.length > 0) await this.settle(tx, keys);
      return keys.length;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#folding[Symbol.asyncDispose]();
  }

  async #foldForEver(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(FOLD_INTERVAL_MS, signal);
      while (!signal.aborted && (await this.fold()) === FOLD_ACCOUNTS_MAX);
    }
  }

  #warn({ is_low: _, ...account }: CrossedAccount): void {
    this.#deps.log.warn(account, 'a prepaid courier account is running low; top it up');
  }
}

function mustMayCancel(usage: AccountUsageRow, count: number, ratio: CancelRatio): void {
  const { drawn_count: drawn, cancelled_count: cancelled } = usage;
  const allowed = cancellableOf(BigInt(drawn), ratio);
  if (allowed === undefined || BigInt(cancelled) + BigInt(count) <= allowed) return;
  throw new RpcError('CANCEL_RATIO_EXCEEDED', {
    metadata: {
      account_id: usage.account_id,
      drawn,
      cancelled,
      percent: String(ratio.percent),
      allowed: String(allowed),
    },
  });
}

/** One entry for each account, in order of their keys, as selectUsages answers them. */
function countByAccount(rows: AccountKey[]): store.CancelledDelta[] {
  const counts = new Map<string, store.CancelledDelta>();
  for (const { merchant_id, courier_id, account_id } of rows) {
    const key = keyOf({ merchant_id, courier_id, account_id });
    const before = counts.get(key)?.cancelled_count ?? 0;
    counts.set(key, { merchant_id, courier_id, account_id, cancelled_count: before + 1 });
  }
  // A space stands before every character of an id.
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, count]) => count);
}

/** The key as one text, which sorts as the three ids do. */
export function keyOf({ merchant_id, courier_id, account_id }: AccountKey): string {
  return `${merchant_id} ${courier_id} ${account_id}`;
}

/** For a lock that changes nothing of what is known of the account. */
function withoutTerms({ merchant_id, courier_id, account_id }: AccountKey): AccountTerms {
  const key = { merchant_id, courier_id, account_id };
  return { ...key, is_prepaid: false, is_refunding: false, low_balance_count: 0n };
}

export type AccountsDeps = {
  pool: Pool;
  cancelRatio: CancelRatio;
  log: Pick<Logger, 'warn'>;
  now: Clock;
};
