import { create } from '@bufbuild/protobuf';
import { ofMerchant } from '#libs/db';
import type { CallContext } from '#libs/grpc';
import { cutPage } from '#libs/page';
import {
  type ListAccountMovementsRequest,
  type ListAccountMovementsResponse,
  ListAccountMovementsResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import { findAccount } from '../account-key.ts';
import { movementToMessage } from '../account-message.ts';
import type { Deps } from '../deps.ts';
import { mustBeSlug } from '../field.ts';
import { parseLogPage } from '../page.ts';
import { selectMovements } from '../store/account-movement.ts';

export async function listAccountMovements(
  deps: Deps,
  request: ListAccountMovementsRequest,
  { identity }: CallContext,
): Promise<ListAccountMovementsResponse> {
  const { accountId } = request;
  mustBeSlug('account_id', accountId);
  const { merchantId, courierId } = await findAccount(deps, identity, request);
  const page = parseLogPage(request, ['accountMovements', accountId]);
  const found = await selectMovements(deps.pool, {
    accountId,
    tenant: { merchantId, courierId, setting: ofMerchant(merchantId) },
    before: page.beforeId,
    limit: page.size + 1,
  });
  const { rows, nextPageToken } = cutPage(page, found, (row) => [row.movement_id]);
  return create(ListAccountMovementsResponseSchema, {
    movements: rows.map(movementToMessage),
    nextPageToken,
  });
}
