import { implement } from '#libs/grpc';
import { VaultService } from '#proto/queqiao/waybill/v1/vault_service';
import type { Deps } from './deps.ts';
import { batchGetConsignees } from './rpc/batch-get-consignees.ts';
import { eraseConsignee } from './rpc/erase-consignee.ts';
import { eraseMonth } from './rpc/erase-month.ts';
import { findWaybillsByPhone } from './rpc/find-waybills-by-phone.ts';
import { getConsignee } from './rpc/get-consignee.ts';
import { listConsigneeAccesses } from './rpc/list-consignee-accesses.ts';
import { rewrapKeys } from './rpc/rewrap-keys.ts';

export function vaultService(deps: Deps) {
  return implement(VaultService, {
    getConsignee: (request, context) => getConsignee(deps, request, context),
    batchGetConsignees: (request, context) => batchGetConsignees(deps, request, context),
    findWaybillsByPhone: (request, context) => findWaybillsByPhone(deps, request, context),
    eraseConsignee: (request, context) => eraseConsignee(deps, request, context),
    eraseMonth: (request, context) => eraseMonth(deps, request, context),
    listConsigneeAccesses: (request, context) => listConsigneeAccesses(deps, request, context),
    rewrapKeys: (request) => rewrapKeys(deps, request),
  });
}
