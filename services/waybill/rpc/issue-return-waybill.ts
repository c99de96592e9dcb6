import { create } from '@bufbuild/protobuf';
import { ofMerchant } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import { type Consignee, ConsigneeSchema, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import {
  type IssueReturnWaybillRequest,
  type IssueReturnWaybillResponse,
  IssueReturnWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { asLabelText } from '../field.ts';
import type { Issue } from '../issue.ts';
import { parseParcel, parseWaybillNumber } from '../parcel.ts';
import { findByNumber } from '../read.ts';
import { openParcel } from '../sealed.ts';
import { mustAllow } from '../state.ts';
import { nameOf, selectChangeable } from '../store/version.ts';
import { selectByParcelKeys, type WaybillRow } from '../store/waybill.ts';
import { tenantOf } from '../tenant.ts';

export async function issueReturnWaybill(
  deps: Deps & { issue: Issue },
  request: IssueReturnWaybillRequest,
  { identity }: CallContext,
): Promise<IssueReturnWaybillResponse> {
  const field = 'outward_waybill_number';
  const number = parseWaybillNumber(field, request.outwardWaybillNumber);
  if (request.parcelNo === 0) throw invalid('parcel_no', 'REQUIRED');
  const outward = await findByNumber(deps, number, tenantOf(identity), field);
  if (outward.outward_number !== null) {
    throw new RpcError('RETURN_OF_RETURN', { field, metadata: { waybill_number: number } });
  }
  const merchant = await deps.directory.merchant(outward.merchant_id);
  const nodeId = request.nodeId || outward.node_id;
  const { consignee, addedServices } = request;
  const draft = parseParcel(
    create(ParcelSchema, {
      orderRef: outward.order_ref,
      parcelNo: request.parcelNo,
      courierId: request.courierId || outward.courier_id,
      serviceCode: request.serviceCode,
      nodeId,
      consignee: consignee ?? (await consigneeAt(deps, merchant, nodeId)),
      weightG: request.weightG,
      volumeMl: request.volumeMl,
      goodsValueFen: request.goodsValueFen,
      goodsDescription: request.goodsDescription,
      remark: request.remark,
      addedServices,
    }),
  );
  draft.isConsigneeDefault = consignee === undefined;
  draft.outwardNumber = number;
  if (!(await isIssued(deps, outward, draft.parcelNo))) mustAllow('return', outward.state);
  draft.sender = await consigneeOf(deps, outward);
  const [answer] = await deps.issue(merchant, [draft], identity);
  if (answer instanceof RpcError) throw answer;
  return create(IssueReturnWaybillResponseSchema, answer === undefined ? {} : { issued: answer });
}

/** Goods go back to the merchant at the node's registered address. */
async function consigneeAt(
  { directory }: Deps,
  { merchantId, displayName }: Merchant,
  nodeId: string,
): Promise<Consignee> {
  const node = await directory.node(nodeId).catch((error) => {
    if (!(error instanceof RpcError) || error.reason !== 'NODE_NOT_FOUND') throw error;
    return undefined;
  });
  // Another merchant's node is as good as none: its address is nobody else's business.
  if (node === undefined || (node.merchantId !== '' && node.merchantId !== merchantId)) {
    throw new RpcError('NODE_NOT_FOUND', { field: 'node_id', metadata: { id: nodeId } });
  }
  const { phone, address } = node;
  return create(ConsigneeSchema, {
    name: asLabelText(displayName, 40) || merchantId,
    phone,
    ...(address && { address }),
  });
}

/** What was issued before keeps its answer, whatever became of the outward waybill since. */
async function isIssued(
  { pool }: Deps,
  { merchant_id, bucket, order_ref, waybill_number }: WaybillRow,
  parcelNo: number,
): Promise<boolean> {
  const keys = [{ bucket, orderRef: order_ref, parcelNo }];
  const owner = { merchantId: merchant_id, setting: ofMerchant(merchant_id) };
  const [known] = await selectByParcelKeys(pool, owner, keys);
  return known?.outward_number === waybill_number;
}

/** Who got the goods sends them back; undefined once that is erased. */
async function consigneeOf(deps: Deps, outward: WaybillRow): Promise<Consignee | undefined> {
  const [row] = await selectChangeable(deps.pool, [nameOf(outward)]);
  return row && (await openParcel(deps, row)).consignee;
}
