import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import { cutPage } from '#libs/page';
import {
  type ListLabelPrintsRequest,
  type ListLabelPrintsResponse,
  ListLabelPrintsResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { printToMessage } from '../label-print.ts';
import { parseLogRequest } from '../log-request.ts';
import { selectLabelPrints } from '../store/label.ts';

export async function listLabelPrints(
  { pool }: Deps,
  request: ListLabelPrintsRequest,
  { identity }: CallContext,
): Promise<ListLabelPrintsResponse> {
  const { merchantId, waybillNumber, page } = parseLogRequest(request, identity);
  const { beforeId, size } = page;
  const found = await selectLabelPrints(pool, {
    merchantId,
    waybillNumber,
    beforeId,
    limit: size + 1,
  });
  const { rows, nextPageToken } = cutPage(page, found, (row) => [row.print_id]);
  return create(ListLabelPrintsResponseSchema, { prints: rows.map(printToMessage), nextPageToken });
}
