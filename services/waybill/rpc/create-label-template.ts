import { create } from '@bufbuild/protobuf';
import { transaction } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type CreateLabelTemplateRequest,
  type CreateLabelTemplateResponse,
  CreateLabelTemplateResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { mustBeSlug } from '../field.ts';
import { parseFields, templateBody, templateToMessage } from '../label-template.ts';
import { insertTemplate, selectTemplate } from '../store/label.ts';
import { merchantOf } from '../tenant.ts';

export async function createLabelTemplate(
  { pool, directory, now }: Deps,
  { template }: CreateLabelTemplateRequest,
  { identity }: CallContext,
): Promise<CreateLabelTemplateResponse> {
  if (template === undefined) throw invalid('template', 'REQUIRED');
  const merchantId = merchantOf(identity, template.merchantId);
  const { templateId } = template;
  mustBeSlug('template.template_id', templateId);
  parseFields(template);
  await directory.merchant(merchantId);
  const body = templateBody(template);
  const row = await transaction(pool, async (tx) => {
    const names = { merchant_id: merchantId, template_id: templateId };
    return (
      (await insertTemplate(tx, { ...names, body, create_time: now() })) ??
      (await selectTemplate(tx, merchantId, templateId))
    );
  });
  if (row === undefined || !row.body.equals(body)) {
    throw new RpcError('RESOURCE_EXISTS', {
      field: 'template.template_id',
      metadata: { id: templateId },
    });
  }
  return create(CreateLabelTemplateResponseSchema, { template: templateToMessage(row) });
}
