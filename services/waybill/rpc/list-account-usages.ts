import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { pageSizeOf, readPageToken, writePageToken } from '#libs/page';
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
  const limit = pageSizeOf(request.pageSize);
  const binding = ['accountUsages', merchantId ?? '', courierId ?? '', String(onlyLow)];
  const after = afterOf(readPageToken(request.pageToken, binding));
  // One more than asked for tells whether there is another page.
  const filters = { merchantId, courierId, onlyLow, setting: tenantOf(identity).setting };
  const keys = await selectUsedAccounts(pool, { after, ...filters, limit: limit + 1 });
  const page = keys.slice(0, limit);
  const last = keys.length > limit ? page.at(-1) : undefined;
  const usages = await selectUsages(pool, page);
  return create(ListAccountUsagesResponseSchema, {
    usages: usages.map(usageToMessage),
    nextPageToken: last
      ? writePageToken([last.merchant_id, last.courier_id, last.account_id], binding)
      : '',
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
