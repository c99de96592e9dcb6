import { type Handlers, implement } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { encodeItemOutcomes, encodeOutcomes } from './answer.ts';
import type { Deps } from './deps.ts';
import type { Issue } from './issue.ts';
import { receiveItems, receiveParcels } from './receive.ts';
import { batchGetWaybills } from './rpc/batch-get-waybills.ts';
import { batchRecallWaybills } from './rpc/batch-recall-waybills.ts';
import { batchReleaseWaybills } from './rpc/batch-release-waybills.ts';
import { cancelWaybill } from './rpc/cancel-waybill.ts';
import { getShipment } from './rpc/get-shipment.ts';
import { getWaybill } from './rpc/get-waybill.ts';
import { issueReturnWaybill } from './rpc/issue-return-waybill.ts';
import { issueWaybill } from './rpc/issue-waybill.ts';
import { issueWaybillStream } from './rpc/issue-waybill-stream.ts';
import { issueWaybills } from './rpc/issue-waybills.ts';
import { listWaybillVersions } from './rpc/list-waybill-versions.ts';
import { listWaybills } from './rpc/list-waybills.ts';
import { lookUpWaybills } from './rpc/look-up-waybills.ts';
import { recallWaybill } from './rpc/recall-waybill.ts';
import { releaseWaybill } from './rpc/release-waybill.ts';
import { updateWaybill } from './rpc/update-waybill.ts';

export function waybillService(deps: Deps & { issue: Issue }) {
  const handlers: Handlers<typeof WaybillService, typeof CODECS> = {
    issueWaybills: (request, context) => issueWaybills(deps, request, context),
    issueWaybill: (request, context) => issueWaybill(deps, request, context),
    issueWaybillStream: (requests, context) => issueWaybillStream(deps, requests, context),
    getWaybill: (request, context) => getWaybill(deps, request, context),
    batchGetWaybills: (request, context) => batchGetWaybills(deps, request, context),
    lookUpWaybills: (request, context) => lookUpWaybills(deps, request, context),
    listWaybills: (request, context) => listWaybills(deps, request, context),
    cancelWaybill: (request, context) => cancelWaybill(deps, request, context),
    updateWaybill: (request, context) => updateWaybill(deps, request, context),
    listWaybillVersions: (request, context) => listWaybillVersions(deps, request, context),
    getShipment: (request, context) => getShipment(deps, request, context),
    issueReturnWaybill: (request, context) => issueReturnWaybill(deps, request, context),
    releaseWaybill: (request, context) => releaseWaybill(deps, request, context),
    batchReleaseWaybills: (request, context) => batchReleaseWaybills(deps, request, context),
    recallWaybill: (request, context) => recallWaybill(deps, request, context),
    batchRecallWaybills: (request, context) => batchRecallWaybills(deps, request, context),
  };
  return implement(WaybillService, handlers, CODECS);
}

/** The hot calls are read from their bytes, and the larger answers are written as bytes. */
const CODECS = {
  issueWaybills: { requestDeserialize: receiveParcels, responseSerialize: encodeOutcomes },
  issueWaybill: { requestDeserialize: receiveParcels },
  issueWaybillStream: { requestDeserialize: receiveItems, responseSerialize: encodeItemOutcomes },
};
