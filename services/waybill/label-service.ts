import { implement } from '#libs/grpc';
import { LabelService } from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from './deps.ts';
import { createLabelTemplate } from './rpc/create-label-template.ts';
import { getLabelKeys } from './rpc/get-label-keys.ts';
import { getLabelTemplate } from './rpc/get-label-template.ts';
import { listLabelPrints } from './rpc/list-label-prints.ts';
import { listLabelTemplates } from './rpc/list-label-templates.ts';
import { renderLabels } from './rpc/render-labels.ts';

export function labelService(deps: Deps) {
  return implement(LabelService, {
    renderLabels: (request, context) => renderLabels(deps, request, context),
    listLabelPrints: (request, context) => listLabelPrints(deps, request, context),
    createLabelTemplate: (request, context) => createLabelTemplate(deps, request, context),
    getLabelTemplate: (request, context) => getLabelTemplate(deps, request, context),
    listLabelTemplates: (request, context) => listLabelTemplates(deps, request, context),
    getLabelKeys: () => getLabelKeys(deps),
  });
}
