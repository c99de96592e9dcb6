import { RpcError } from '#libs/errors';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import {
  type CourierAccount,
  CourierAccount_Billing,
  CourierAccount_State,
} from '#proto/queqiao/network/v1/courier_account';
import type { AccountTerms } from './store/account.ts';

/**
 * By which of a merchant's accounts a parcel is drawn: the one it names, else the only active one
 * that serves its node, where one that names the node comes before one that serves all. A merchant
 * that has accounts at the courier never draws without one, or a used-up balance would be no limit.
 */
export function resolveAccount(
  accounts: CourierAccount[],
  courier: Pick<Courier, 'courierId' | 'accountRequired'>,
  { merchantId, nodeId, accountId }: AccountWish,
): ResolvedAccount {
  const { courierId } = courier;
  const own = accounts.filter((account) => account.courierId === courierId);
  if (accountId !== '') return resolved(mustServe(own, accountId, nodeId));
  if (own.length === 0 && !courier.accountRequired) return { accountId: '', prepaid: null };
  const serving = own.filter((account) => serves(account, nodeId));
  if (serving.length === 0) {
    const metadata = { merchant_id: merchantId, courier_id: courierId, node_id: nodeId };
    throw new RpcError('ACCOUNT_MISSING', { field: 'courier_id', metadata });
  }
  const active = serving.filter(isActive);
  if (active.length === 0) throw disabled(serving[0] as CourierAccount);
  const named = active.filter(({ nodeIds }) => nodeIds.length > 0);
  const [only, ...others] = named.length > 0 ? named : active;
  if (others.length === 0) return resolved(only as CourierAccount);
  const ids = [only as CourierAccount, ...others].map((account) => account.accountId);
  throw new RpcError('ACCOUNT_AMBIGUOUS', {
    field: 'account_id',
    metadata: { courier_id: courierId, node_id: nodeId, account_ids: ids.slice(0, 10).join(' ') },
  });
}

function mustServe(own: CourierAccount[], accountId: string, nodeId: string): CourierAccount {
  const account = own.find((each) => each.accountId === accountId);
  const field = 'account_id';
  if (account === undefined) {
    throw new RpcError('ACCOUNT_NOT_FOUND', { field, metadata: { id: accountId } });
  }
  if (!isActive(account)) throw disabled(account);
  if (!serves(account, nodeId)) {
    const metadata = { account_id: accountId, node_id: nodeId };
    throw new RpcError('ACCOUNT_NOT_FOR_NODE', { field, metadata });
  }
  return account;
}

function serves({ nodeIds }: CourierAccount, nodeId: string): boolean {
  return nodeIds.length === 0 || nodeIds.includes(nodeId);
}

function isActive({ state }: CourierAccount): boolean {
  return state === CourierAccount_State.ACTIVE;
}

function disabled({ accountId }: CourierAccount): RpcError {
  return new RpcError('ACCOUNT_DISABLED', { field: 'account_id', metadata: { id: accountId } });
}

function resolved(account: CourierAccount): ResolvedAccount {
  const terms = termsOf(account);
  return { accountId: account.accountId, prepaid: terms.is_prepaid ? terms : null };
}

/** An account of the network as it is reckoned with here. */
export function termsOf(account: CourierAccount): AccountTerms {
  return {
    merchant_id: account.merchantId,
    courier_id: account.courierId,
    account_id: account.accountId,
    is_prepaid: account.billing === CourierAccount_Billing.PREPAID,
    is_refunding: account.refundOnCancel,
    low_balance_count: account.lowBalanceCount,
  };
}

type AccountWish = { merchantId: string; nodeId: string; accountId: string };

export type ResolvedAccount = { accountId: string; prepaid: AccountTerms | null };
