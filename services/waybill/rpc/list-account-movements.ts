import { create } from '@bufbuild/protobuf';
import { ofMerchant } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { pageSizeOf, readPageToken, writePageToken } from '#libs/page';
import {
  type ListAccountMovementsRequest,
  type ListAccountMovementsResponse,
  ListAccountMovementsResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import { findAccount } from '../account-key.ts';
import { movementToMessage } from '../account-message.ts';
import type { Deps } from '../deps.ts';
import { mustBeSlug } from '../field.ts';
import { selectMovements } from '../store/account-movement.ts';

export async function listAccountMovements(
  deps: Deps,
  request: ListAccountMovementsRequest,
  { identity }: CallContext,
): Promise<ListAccountMovementsResponse> {
  const { accountId } = request;
  mustBeSlug('account_id', accountId);
  const { merchantId, courierId } = await findAccount(deps, identity, request);
  const limit = pageSizeOf(request.pageSize);
  const binding = ['accountMovements', accountId];
  const before = beforeOf(readPageToken(request.pageToken, binding));
  const rows = await selectMovements(deps.pool, {
    accountId,
    tenant: { merchantId, courierId, setting: ofMerchant(merchantId) },
    before,
    limit: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return create(ListAccountMovementsResponseSchema, {
    movements: page.map(movementToMessage),
    nextPageToken: last ? writePageToken([last.movement_id], binding) : '',
  });
}

function beforeOf([movementId]: string[] = []): string | null {
  if (movementId === undefined) return null;
  if (/^\d{1,18}$/.test(movementId)) return movementId;
  throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
}
