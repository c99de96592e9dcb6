import { transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import { keyOf } from './account.ts';
import type { Deps } from './deps.ts';
import { type Draw, IssueBlock } from './issue-block.ts';
import { type AccountTerms, lockAccounts, selectUsages } from './store/account.ts';
import {
  insertMixed,
  type KnownWaybillRow,
  keyRow,
  type ParcelKeyRow,
  selectByKeys,
} from './store/issue.ts';

/**
 * Writes the draws of many calls by prepaid accounts, in one transaction: as many new parcels of
 * each account as its balance holds, in the order given, and the others are refused with
 * QUOTA_EMPTY. The lock on the accounts comes first, so that what is read after it, the balances
 * and which parcels are new, stays true until the commit: a balance is never overdrawn and no
 * parcel is refused that it would have held. Answers for each draw, by the place of a parcel in it,
 * the row that was there before or the refusal.
 */
export async function writePrepaidDraws(
  { pool, relay, accounts }: Pick<Deps, 'pool' | 'relay' | 'accounts'>,
  draws: Draw[],
): Promise<Map<number, KnownWaybillRow | RpcError>[]> {
  const unwritten = draws.map((): Map<number, KnownWaybillRow | RpcError> => new Map());
  const entries = draws.flatMap((draw, at) =>
    draw.parcels.map(
      (parcel, i): Entry => ({ ...parcel, draw, at, i, key: keyRow(draw, parcel.draft) }),
    ),
  );
  const note = (entry: Entry, why: KnownWaybillRow | RpcError) =>
    unwritten[entry.at]?.set(entry.i, why);
  const isLeft = ({ at, i }: Entry) => unwritten[at]?.has(i) !== true;
  const terms = termsOfAll(draws);
  await transaction(pool, async (tx) => {
    await lockAccounts(tx, terms);
    const balances = await selectUsages(tx, terms);
    const known = await selectByKeys(tx, keysOf(entries));
    for (const row of known) note(entries[row.position] as Entry, row);
    const left = new Map(balances.map((row) => [keyOf(row), BigInt(row.balance_count)]));
    for (const [entry, refusal] of refusalsOf(entries.filter(isLeft), left)) note(entry, refusal);
    const inserted = await insertMixed(tx, blockOf(entries.filter(isLeft)));
    await accounts.settle(tx, terms);
    // What another call issued by another account since it was looked for.
    const late = entries.filter((entry) => isLeft(entry) && !inserted.has(entry.number));
    for (const row of await selectByKeys(tx, keysOf(late))) note(late[row.position] as Entry, row);
    if (late.some(isLeft)) throw new Error('a parcel key was taken, then gone');
  });
  relay.wake();
  return unwritten;
}

/** Which of the new parcels their accounts cannot pay for. Takes from `left` for the others. */
function refusalsOf(entries: Entry[], left: Map<string, bigint>): Map<Entry, RpcError> {
  const refusals = new Map<Entry, RpcError>();
  // A parcel that stands twice in the group is drawn once.
  const drawn = new Set<string>();
  for (const entry of entries) {
    const { merchant_id, order_ref, parcel_no } = entry.key;
    const parcel = `${merchant_id} ${order_ref.toLowerCase()} ${parcel_no}`;
    if (drawn.has(parcel)) continue;
    const { prepaid } = entry.draw;
    const refusal = prepaid === null ? undefined : spend(prepaid, left);
    if (refusal === undefined) drawn.add(parcel);
    else refusals.set(entry, refusal);
  }
  return refusals;
}

/** Takes one from the account's balance, or answers why not. */
function spend(account: AccountTerms, left: Map<string, bigint>): RpcError | undefined {
  const key = keyOf(account);
  const balance = left.get(key) ?? 0n;
  if (balance > 0n) {
    left.set(key, balance - 1n);
    return undefined;
  }
  const { account_id, courier_id } = account;
  return new RpcError('QUOTA_EMPTY', {
    field: 'account_id',
    metadata: { account_id, courier_id, balance: String(balance) },
  });
}

/** The draws once more, with these of their parcels alone. */
function blockOf(entries: Entry[]): IssueBlock {
  const draws = new Map<number, Draw>();
  for (const { draw, at, draft, number } of entries) {
    const part = draws.get(at) ?? { ...draw, parcels: [] };
    draws.set(at, part);
    part.parcels.push({ draft, number });
  }
  const block = new IssueBlock();
  for (const draw of draws.values()) block.add(draw);
  return block;
}

/** The prepaid accounts of the draws, each once. */
function termsOfAll(draws: Draw[]): AccountTerms[] {
  const terms = new Map<string, AccountTerms>();
  for (const { prepaid } of draws) if (prepaid !== null) terms.set(keyOf(prepaid), prepaid);
  return [...terms.values()];
}

function keysOf(entries: Entry[]): ParcelKeyRow[] {
  return entries.map(({ key }) => key);
}

/** The parcel at place `i` of the draw at place `at`. */
type Entry = Draw['parcels'][number] & { draw: Draw; at: number; i: number; key: ParcelKeyRow };
