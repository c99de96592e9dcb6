import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { pageSizeOf, readPageToken, writePageToken } from '#libs/page';
import {
  type ListConsigneeAccessesRequest,
  type ListConsigneeAccessesResponse,
  ListConsigneeAccessesResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { accessToMessage } from '../access.ts';
import type { Deps } from '../deps.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { selectAccesses } from '../store/access.ts';
import { merchantOf } from '../tenant.ts';

export async function listConsigneeAccesses(
  { pool }: Deps,
  request: ListConsigneeAccessesRequest,
  { identity }: CallContext,
): Promise<ListConsigneeAccessesResponse> {
  const isForAll = identity.kind === 'operator' && request.merchantId === '';
  const merchantId = isForAll ? null : merchantOf(identity, request.merchantId);
  const { waybillNumber } = request;
  if (waybillNumber !== '') parseWaybillNumber('waybill_number', waybillNumber);
  const limit = pageSizeOf(request.pageSize);
  const binding = [merchantId ?? '', waybillNumber];
  const [beforeId = null] = readPageToken(request.pageToken, binding) ?? [];
  if (beforeId !== null && !/^\d{1,18}$/.test(beforeId)) {
    throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  }
  // One more than asked for tells whether there is another page.
  const rows = await selectAccesses(pool, {
    merchantId,
    waybillNumber: waybillNumber || null,
    beforeId,
    limit: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return create(ListConsigneeAccessesResponseSchema, {
    accesses: page.map(accessToMessage),
    nextPageToken: last ? writePageToken([last.access_id], binding) : '',
  });
}
