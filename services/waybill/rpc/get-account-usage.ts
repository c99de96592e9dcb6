import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext, Identity } from '#libs/grpc';
import {
  type GetAccountUsageRequest,
  type GetAccountUsageResponse,
  GetAccountUsageResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import { findAccount, ownOrNamed } from '../account-key.ts';
import { usageToMessage } from '../account-message.ts';
import type { Deps } from '../deps.ts';
import { mustBeSlug } from '../field.ts';
import { termsOf } from '../resolve-account.ts';
import { type AccountTerms, type AccountUsageRow, selectUsages } from '../store/account.ts';

export async function getAccountUsage(
  deps: Deps,
  request: GetAccountUsageRequest,
  { identity }: CallContext,
): Promise<GetAccountUsageResponse> {
  const terms = await termsFor(deps, request, identity);
  const [row] = await selectUsages(deps.pool, [terms]);
  const { is_prepaid } = terms;
  // Before its first draw or top-up the network alone knows that an account is prepaid.
  return create(GetAccountUsageResponseSchema, {
    usage: usageToMessage({ ...(row as AccountUsageRow), is_prepaid }),
  });
}

async function termsFor(
  deps: Deps,
  request: GetAccountUsageRequest,
  identity: Identity,
): Promise<AccountTerms> {
  const { accountId } = request;
  const merchantId = ownOrNamed(identity, 'merchant', request.merchantId);
  const courierId = ownOrNamed(identity, 'courier', request.courierId);
  if (accountId !== '') {
    mustBeSlug('account_id', accountId);
    const account = await findAccount(deps, identity, { merchantId, accountId });
    if (account.courierId === courierId) return termsOf(account);
    const metadata = { id: accountId };
    throw new RpcError('ACCOUNT_NOT_FOUND', { field: 'account_id', metadata });
  }
  // Which merchants there are is nothing that a courier may find out.
  if (identity.kind !== 'courier') {
    await deps.directory.merchant(merchantId);
    await deps.directory.courier(courierId);
  }
  const key = { merchant_id: merchantId, courier_id: courierId, account_id: '' };
  return { ...key, is_prepaid: false, is_refunding: false, low_balance_count: 0n };
}
