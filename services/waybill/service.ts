import { type Handlers, implement } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { encodeOutcomes } from './answer.ts';
import type { Deps } from './deps.ts';
import type { Issue } from './issue.ts';
import { receiveParcels } from './receive.ts';
import { batchGetWaybills } from './rpc/batch-get-waybills.ts';
import { cancelWaybill } from './rpc/cancel-waybill.ts';
import { getWaybill } from './rpc/get-waybill.ts';
import { issueWaybill } from './rpc/issue-waybill.ts';
import { issueWaybills } from './rpc/issue-waybills.ts';
import { listWaybills } from './rpc/list-waybills.ts';
import { lookUpWaybills } from './rpc/look-up-waybills.ts';

export function waybillService(deps: Deps & { issue: Issue }) {
  const handlers: Handlers<typeof WaybillService, typeof CODECS> = {
    issueWaybills: (request, context) => issueWaybills(deps, request, context),
    issueWaybill: (request, context) => issueWaybill(deps, request, context),
    getWaybill: (request, context) => getWaybill(deps, request, context),
    batchGetWaybills: (request, context) => batchGetWaybills(deps, request, context),
    lookUpWaybills: (request, context) => lookUpWaybills(deps, request, context),
    listWaybills: (request, context) => listWaybills(deps, request, context),
    cancelWaybill: (request, context) => cancelWaybill(deps, request, context),
  };
  return implement(WaybillService, handlers, CODECS);
}

/** The two hot calls are read from their bytes, and the larger answer is written as bytes. */
const CODECS = {
  issueWaybills: { requestDeserialize: receiveParcels, responseSerialize: encodeOutcomes },
  issueWaybill: { requestDeserialize: receiveParcels },
};
