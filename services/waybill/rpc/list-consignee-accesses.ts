import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import { cutPage } from '#libs/page';
import {
  type ListConsigneeAccessesRequest,
  type ListConsigneeAccessesResponse,
  ListConsigneeAccessesResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { accessToMessage } from '../access.ts';
import type { Deps } from '../deps.ts';
import { parseLogRequest } from '../log-request.ts';
import { selectAccesses } from '../store/access.ts';

export async function listConsigneeAccesses(
  { pool }: Deps,
  request: ListConsigneeAccessesRequest,
  { identity }: CallContext,
): Promise<ListConsigneeAccessesResponse> {
  const { merchantId, waybillNumber, page } = parseLogRequest(request, identity);
  const { beforeId, size } = page;
  const found = await selectAccesses(pool, {
    merchantId,
    waybillNumber,
    beforeId,
    limit: size + 1,
  });
  const { rows, nextPageToken } = cutPage(page, found, (row) => [row.access_id]);
  return create(ListConsigneeAccessesResponseSchema, {
    accesses: rows.map(accessToMessage),
    nextPageToken,
  });
}
