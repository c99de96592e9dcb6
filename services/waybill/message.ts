import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ItemError } from '#proto/queqiao/type/v1/item_error';
import {
  MaskedConsigneeSchema,
  type Parcel,
  ParcelSchema,
  type Waybill,
  WaybillSchema,
} from '#proto/queqiao/waybill/v1/waybill';
import {
  type WaybillOutcome,
  WaybillOutcomeSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { inOrder } from './added-service.ts';
import { stateToMessage } from './state.ts';
import type { WaybillRow } from './store/waybill.ts';

export function toMessage(row: WaybillRow): Waybill {
  const body = fromBinary(ParcelSchema, row.body);
  return create(WaybillSchema, {
    waybillNumber: row.waybill_number,
    merchantId: row.merchant_id,
    orderRef: row.order_ref,
    parcelNo: row.parcel_no,
    courierId: row.courier_id,
    serviceCode: row.service_code,
    nodeId: row.node_id,
    state: stateToMessage(row.state),
    consignee: fromBinary(MaskedConsigneeSchema, row.consignee_masked),
    weightG: body.weightG,
    volumeMl: body.volumeMl,
    goodsValueFen: body.goodsValueFen,
    goodsDescription: body.goodsDescription,
    remark: body.remark,
    mergedOrderRefs: body.mergedOrderRefs,
    version: row.version,
    issueTime: timestampFromDate(row.issue_time),
    ...(row.cancel_time && { cancelTime: timestampFromDate(row.cancel_time) }),
    cancelReason: row.cancel_reason ?? '',
    parcelCount: row.parcel_count,
    parentWaybillNumber: row.parent_number ?? '',
    addedServices: body.addedServices,
    holdNodeId: body.holdNodeId,
    outwardWaybillNumber: row.outward_number ?? '',
    returnWaybillNumbers: row.return_numbers,
    ...(row.sender_masked && { sender: fromBinary(MaskedConsigneeSchema, row.sender_masked) }),
    accountId: row.account_id,
    printCount: row.print_count,
    ...(row.last_print_time && { lastPrintTime: timestampFromDate(row.last_print_time) }),
  });
}

/** Where a pre-positioned parcel waits or waited; empty for others. */
export function holdNodeOf(row: Pick<WaybillRow, 'body'>): string {
  return fromBinary(ParcelSchema, row.body).holdNodeId;
}

/** One entry of a batch read. */
export function toOutcome(entry: WaybillRow | ItemError): WaybillOutcome {
  return create(WaybillOutcomeSchema, {
    outcome:
      'waybill_number' in entry
        ? { case: 'waybill', value: toMessage(entry) }
        : { case: 'error', value: entry },
  });
}

/** What of a parcel no column holds; never the consignee. On the hot path, so without create(). */
export function toBody(parcel: Parcel): Uint8Array {
  return toBinary(ParcelSchema, { ...NO_PARCEL, ...restOf(parcel) });
}

function restOf(parcel: Parcel) {
  const { weightG, volumeMl, goodsValueFen, goodsDescription, remark, mergedOrderRefs } = parcel;
  return {
    weightG,
    volumeMl,
    goodsValueFen,
    goodsDescription,
    remark,
    mergedOrderRefs,
    addedServices: inOrder(parcel.addedServices),
    holdNodeId: parcel.holdNodeId,
  };
}

const NO_PARCEL: Parcel = {
  $typeName: 'queqiao.waybill.v1.Parcel',
  orderRef: '',
  parcelNo: 0,
  courierId: '',
  serviceCode: '',
  nodeId: '',
  weightG: 0,
  volumeMl: 0,
  goodsValueFen: 0n,
  goodsDescription: '',
  remark: '',
  mergedOrderRefs: [],
  parcelCount: 0,
  addedServices: [],
  holdNodeId: '',
  accountId: '',
};
