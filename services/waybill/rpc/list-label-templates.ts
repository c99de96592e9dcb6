import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import { cutPage, pageSizeOf, readPageToken } from '#libs/page';
import {
  type ListLabelTemplatesRequest,
  type ListLabelTemplatesResponse,
  ListLabelTemplatesResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { templateToMessage } from '../label-template.ts';
import { selectTemplates } from '../store/label.ts';
import { merchantOf } from '../tenant.ts';

export async function listLabelTemplates(
  { pool }: Deps,
  request: ListLabelTemplatesRequest,
  { identity }: CallContext,
): Promise<ListLabelTemplatesResponse> {
  const merchantId = merchantOf(identity, request.merchantId);
  const page = { size: pageSizeOf(request.pageSize), binding: [merchantId] };
  const [after = ''] = readPageToken(request.pageToken, page.binding) ?? [];
  // One more than asked for tells whether there is another page.
  const found = await selectTemplates(pool, { merchantId, after, limit: page.size + 1 });
  const { rows, nextPageToken } = cutPage(page, found, (row) => [row.template_id]);
  return create(ListLabelTemplatesResponseSchema, {
    templates: rows.map(templateToMessage),
    nextPageToken,
  });
}
