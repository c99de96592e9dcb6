import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { pageSizeOf, readPageToken, writePageToken } from '#libs/page';
import {
  type ListLabelPrintsRequest,
  type ListLabelPrintsResponse,
  ListLabelPrintsResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { printToMessage } from '../label-print.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { selectLabelPrints } from '../store/label.ts';
import { merchantOf } from '../tenant.ts';

export async function listLabelPrints(
  { pool }: Deps,
  request: ListLabelPrintsRequest,
  { identity }: CallContext,
): Promise<ListLabelPrintsResponse> {
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
  const rows = await selectLabelPrints(pool, {
    merchantId,
    waybillNumber: waybillNumber || null,
    beforeId,
    limit: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return create(ListLabelPrintsResponseSchema, {
    prints: page.map(printToMessage),
    nextPageToken: last ? writePageToken([last.print_id], binding) : '',
  });
}
