import { create, equals } from '@bufbuild/protobuf';
import { invalid, RpcError } from '#libs/errors';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import { ConsigneeSchema, Extent, type Parcel } from '#proto/queqiao/waybill/v1/waybill';
import type { UpdateWaybillRequest } from '#proto/queqiao/waybill/v1/waybill_life';
import { checkAddedServices, offerOf, parseAddedServices } from './added-service.ts';
import {
  differingField,
  type ParcelDraft,
  parseAddress,
  parseConsignee,
  parseGoods,
  parseServiceCode,
} from './parcel.ts';
import { parseExtent } from './replace.ts';
import { serviceOf } from './resolve.ts';
import type { WaybillRow } from './store/waybill.ts';

/** Checks every field of a change that can be checked without the waybill. */
export function parseUpdate(request: UpdateWaybillRequest): void {
  const { version, consignee, address, serviceCode, addedServices } = request;
  if (version === 0) throw invalid('version', 'REQUIRED');
  if (version < 0) throw invalid('version', 'OUT_OF_RANGE', { min: 1, max: 2_147_483_647 });
  parseExtent(request.extent);
  if (consignee !== undefined) {
    parseConsignee(consignee);
    if (address !== undefined) throw invalid('address', 'NOT_BOTH', { other: 'consignee' });
  }
  if (address !== undefined) parseAddress(address);
  parseGoods({
    weightG: request.weightG ?? 0,
    volumeMl: request.volumeMl ?? 0,
    goodsValueFen: request.goodsValueFen ?? 0n,
    goodsDescription: request.goodsDescription ?? '',
    remark: request.remark ?? '',
  });
  parseServiceCode(serviceCode ?? '');
  parseAddedServices(addedServices?.addedServices ?? []);
}

/** What a parcel is after a change, and the first field that differs; undefined if none does. */
export function changed(
  before: Parcel,
  request: UpdateWaybillRequest,
  courier: Courier,
): { after: ParcelDraft; field: string | undefined } {
  const { weightG, volumeMl, goodsValueFen, goodsDescription, remark } = request;
  const serviceCode = request.serviceCode ?? before.serviceCode;
  const after = {
    ...before,
    consignee: changedConsignee(before, request),
    weightG: weightG ?? before.weightG,
    volumeMl: volumeMl ?? before.volumeMl,
    goodsValueFen: goodsValueFen ?? before.goodsValueFen,
    goodsDescription: goodsDescription ?? before.goodsDescription,
    remark: remark ?? before.remark,
    serviceCode: serviceCode === '' ? serviceOf(courier, '') : serviceCode,
    addedServices: request.addedServices?.addedServices ?? before.addedServices,
  } as ParcelDraft;
  // One that was erased cannot be compared: any new one is a difference.
  const isSame = before.consignee !== undefined || after.consignee === undefined;
  const field = isSame ? fieldBetween(before, after) : 'consignee';
  if (field !== undefined) checkServices(before, after, courier);
  return { after, field };
}

/** The very same object where nothing of it differs. */
function changedConsignee({ consignee }: Parcel, request: UpdateWaybillRequest) {
  let wanted = request.consignee;
  if (request.address !== undefined) {
    // Without the rest of the consignee an address is nobody's.
    if (consignee === undefined) throw invalid('consignee', 'REQUIRED');
    wanted = create(ConsigneeSchema, { ...consignee, address: request.address });
  }
  if (wanted === undefined || consignee === undefined) return wanted ?? consignee;
  return equals(ConsigneeSchema, consignee, wanted) ? consignee : wanted;
}

function fieldBetween(before: Parcel, after: ParcelDraft): string | undefined {
  if (after.consignee !== undefined) return differingField(before as ParcelDraft, after);
  const consignee = create(ConsigneeSchema, { address: {} }) as ParcelDraft['consignee'];
  return differingField({ ...before, consignee }, { ...after, consignee });
}

/** What a courier no longer offers stays as it was agreed, until somebody changes it. */
function checkServices(before: Parcel, after: ParcelDraft, courier: Courier): void {
  const { serviceCode, addedServices } = after;
  if (serviceCode === before.serviceCode && addedServices === before.addedServices) return;
  serviceOf(courier, serviceCode);
  checkAddedServices(offerOf(courier, serviceCode), addedServices);
}

/** Refuses to change for one parcel what all parcels of its shipment share. */
export function mustBeWhole(
  row: WaybillRow,
  { before, after }: { before: Parcel; after: Parcel },
  extent: Extent,
): void {
  if (row.parcel_count === 1 || extent === Extent.SHIPMENT) return;
  const isSameService = before.serviceCode === after.serviceCode;
  if (isSameService && before.consignee === after.consignee) return;
  const field = isSameService ? 'consignee' : 'service_code';
  throw new RpcError('SHIPMENT_ONLY', {
    field: 'extent',
    metadata: { field, waybill_number: row.waybill_number, count: String(row.parcel_count) },
  });
}
