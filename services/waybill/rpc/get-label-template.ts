import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type GetLabelTemplateRequest,
  type GetLabelTemplateResponse,
  GetLabelTemplateResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { mustBeSlug } from '../field.ts';
import { templateNotFound, templateToMessage } from '../label-template.ts';
import { selectTemplate } from '../store/label.ts';
import { merchantOf } from '../tenant.ts';

export async function getLabelTemplate(
  { pool }: Deps,
  { merchantId, templateId }: GetLabelTemplateRequest,
  { identity }: CallContext,
): Promise<GetLabelTemplateResponse> {
  const owner = merchantOf(identity, merchantId);
  mustBeSlug('template_id', templateId);
  const row = await selectTemplate(pool, owner, templateId);
  if (row === undefined) throw templateNotFound(templateId);
  return create(GetLabelTemplateResponseSchema, { template: templateToMessage(row) });
}
