import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import { pageSizeOf, readPageToken, writePageToken } from '#libs/page';
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
  const limit = pageSizeOf(request.pageSize);
  const [after = ''] = readPageToken(request.pageToken, [merchantId]) ?? [];
  // One more than asked for tells whether there is another page.
  const rows = await selectTemplates(pool, { merchantId, after, limit: limit + 1 });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return create(ListLabelTemplatesResponseSchema, {
    templates: page.map(templateToMessage),
    nextPageToken: last ? writePageToken([last.template_id], [merchantId]) : '',
  });
}
