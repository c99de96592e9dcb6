import type { Identity } from '#libs/grpc';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import type { ListCourierAccountsRequest } from '#proto/queqiao/network/v1/network_service';
import { courierAccountToMessage } from '../courier-account.ts';
import type { Deps } from '../deps.ts';
import { optionalSlug } from '../field.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectCourierAccounts } from '../store.ts';
import { mustBeOwn, viewerOf } from '../viewer.ts';

export async function listCourierAccounts(
  { pool }: Deps,
  request: ListCourierAccountsRequest,
  identity: Identity,
): Promise<{ courierAccounts: CourierAccount[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const merchantId = optionalSlug('merchant_id', request.merchantId);
  const courierId = optionalSlug('courier_id', request.courierId);
  mustBeOwn('merchant_id', request.merchantId, viewer);
  mustBeOwn('courier_id', request.courierId, viewer);
  const filters = [request.merchantId, request.courierId];
  const page = parsePage(request, { list: 'courierAccounts', viewer, filters });
  const found = await selectCourierAccounts(pool, page, { viewer, merchantId, courierId });
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.account_id);
  return { courierAccounts: rows.map(courierAccountToMessage), nextPageToken };
}
