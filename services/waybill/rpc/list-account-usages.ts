import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { cutPage, pageSizeOf, readPageToken } from '#libs/page';
import {
  type ListAccountUsagesRequest,
  type ListAccountUsagesResponse,
  ListAccountUsagesResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import { ownOrFilter } from '../account-key.ts';
import { usageToMessage } from '../account-message.ts';
import type { Deps } from '../deps.ts';
import { selectUsages, selectUsedAccounts, type UsedAccounts } from '../store/account.ts';
import { tenantOf } from '../tenant.ts';

export async function listAccountUsages(
  { pool }: Deps,
  request: ListAccountUsagesRequest,
  { identity }: CallContext,
): Promise<ListAccountUsagesResponse> {
  const merchantId = ownOrFilter(identity, 'merchant', request.merchantId);
  const courierId = ownOrFilter(identity, 'courier', request.courierId);
  const { onlyLow } = request;
  const size = pageSizeOf(request.pageSize);
  const binding = ['accountUsages', merchantId ?? '', courierId ?? '', String(onlyLow)];
  const after = afterOf(readPageToken(request.pageToken, binding));
  // One more than asked for tells whether there is another page.
  const filters = { merchantId, courierId, onlyLow, setting: tenantOf(identity).setting };
  const keys = await selectUsedAccounts(pool, { after, ...filters, limit: size + 1 });
  const { rows, nextPageToken } = cutPage({ size, binding }, keys, (key) => [
    key.merchant_id,
    key.courier_id,
    key.account_id,
  ]);
  const usages = await selectUsages(pool, rows);
  return create(ListAccountUsagesResponseSchema, {
    usages: usages.map(usageToMessage),
    nextPageToken,
  });
}

/** Where the page before ended; anybody can make a token, so it is input like any other. */
function afterOf(key: string[] = ['', '', '']): UsedAccounts['after'] {
  const [merchantId = '', courierId = '', accountId = ''] = key;
  if (key.some((id) => !/^[a-z0-9-]{0,32}$/.test(id))) {
    throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  }
  return [merchantId, courierId, accountId];
}
