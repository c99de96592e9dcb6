import { invalid } from '#libs/errors';
import type { Address } from '#proto/queqiao/type/v1/address';
import type { Consignee, Parcel } from '#proto/queqiao/waybill/v1/waybill';
import { addedServicesKey, parseAddedServices } from './added-service.ts';
import { mustBeText, mustLieIn, mustMatch, SLUG } from './field.ts';

/** A parcel whose every field is valid, defaults filled in; the rest of the code checks nothing. */
export type ParcelDraft = Parcel & {
  consignee: Consignee & { address: Address };
  /** Of a return: the waybill on which the goods went out. */
  outwardNumber?: string | undefined;
  /** Of a return: who sends the goods back; undefined if that was erased. */
  sender?: Consignee | undefined;
  /** The caller named no consignee: what was the default when it was issued is no difference. */
  isConsigneeDefault?: boolean | undefined;
};

/** Limits of the contract; proto/queqiao/waybill/v1/waybill.proto says the same. */
const PARCEL_NO_MAX = 999;
const WEIGHT_G_MAX = 1_000_000;
const VOLUME_ML_MAX = 10_000_000;
const GOODS_VALUE_FEN_MAX = 1_000_000_000n;
const MERGED_ORDER_REFS_MAX = 100;
const PARCEL_COUNT_MAX = 999;

/** The valid form of a parcel, or an RpcError with the field at fault. */
export function parseParcel(parcel: Parcel): ParcelDraft {
  parcel.parcelNo ||= 1;
  parcel.parcelCount ||= 1;
  const { consignee } = parcel;
  mustMatch('order_ref', parcel.orderRef, ORDER_REF, 'ORDER_REF');
  mustLieIn('parcel_no', parcel.parcelNo, 1, PARCEL_NO_MAX);
  mustMatch('courier_id', parcel.courierId, SLUG, 'SLUG');
  parseServiceCode(parcel.serviceCode);
  mustMatch('node_id', parcel.nodeId, SLUG, 'SLUG');
  parseGoods(parcel);
  parseMergedOrderRefs(parcel.mergedOrderRefs);
  if (parcel.accountId !== '') mustMatch('account_id', parcel.accountId, SLUG, 'SLUG');
  if (consignee === undefined) throw invalid('consignee', 'REQUIRED');
  parseConsignee(consignee);
  if (parcel.parcelCount !== 1) parseShipment(parcel);
  if (parcel.addedServices.length > 0) parseAddedServices(parcel.addedServices);
  if (parcel.holdNodeId !== '') mustMatch('hold_node_id', parcel.holdNodeId, SLUG, 'SLUG');
  return parcel as ParcelDraft;
}

/** What a change before pickup may set as well. */
export function parseGoods(goods: Goods): void {
  mustLieIn('weight_g', goods.weightG, 0, WEIGHT_G_MAX);
  mustLieIn('volume_ml', goods.volumeMl, 0, VOLUME_ML_MAX);
  if (goods.goodsValueFen < 0n || goods.goodsValueFen > GOODS_VALUE_FEN_MAX) {
    throw invalid('goods_value_fen', 'OUT_OF_RANGE', { min: 0, max: String(GOODS_VALUE_FEN_MAX) });
  }
  mustBeText('goods_description', goods.goodsDescription, 0, 100);
  mustBeText('remark', goods.remark, 0, 200);
}

export function parseServiceCode(code: string): void {
  if (code !== '') mustMatch('service_code', code, SERVICE_CODE, 'SERVICE_CODE');
}

function parseShipment({ parcelNo, parcelCount }: Parcel): void {
  mustLieIn('parcel_count', parcelCount, 0, PARCEL_COUNT_MAX);
  mustLieIn('parcel_no', parcelNo, 1, parcelCount);
}

export function parseConsignee({ name, phone, address }: Consignee): void {
  mustBeText('consignee.name', name, 1, 40);
  parsePhone('consignee.phone', phone);
  if (address === undefined) throw invalid('consignee.address', 'REQUIRED');
  parseAddress(address, CONSIGNEE_ADDRESS);
}

export function parseAddress(address: Address, paths = ADDRESS): void {
  mustBeText(paths.province, address.province, 1, 20);
  mustBeText(paths.city, address.city, 0, 20);
  mustBeText(paths.district, address.district, 0, 20);
  mustBeText(paths.street, address.street, 0, 30);
  mustBeText(paths.detail, address.detail, 1, 256);
}

export function parsePhone(field: string, phone: string): string {
  if (phone === '') throw invalid(field, 'REQUIRED');
  const digitCount = phone.replace(NOT_DIGIT, '').length;
  if (!PHONE.test(phone) || digitCount < 5 || digitCount > 20) throw invalid(field, 'PHONE');
  return phone;
}

function parseMergedOrderRefs(refs: string[]): void {
  if (refs.length > MERGED_ORDER_REFS_MAX) {
    throw invalid('merged_order_refs', 'LIST_SIZE', { min: 0, max: MERGED_ORDER_REFS_MAX });
  }
  for (const [i, ref] of refs.entries()) {
    mustMatch(`merged_order_refs[${i}]`, ref, ORDER_REF, 'ORDER_REF');
  }
}

/** The valid form of a parcel key, with parcel_no filled in. */
export function parseParcelKey(key: { orderRef: string; parcelNo: number }): ParcelKey {
  const parcelNo = key.parcelNo || 1;
  mustMatch('order_ref', key.orderRef, ORDER_REF, 'ORDER_REF');
  mustLieIn('parcel_no', parcelNo, 1, PARCEL_NO_MAX);
  return { orderRef: key.orderRef, parcelNo };
}

export function parseWaybillNumber(field: string, number: string): string {
  mustMatch(field, number, WAYBILL_NUMBER, 'WAYBILL_NUMBER');
  return number;
}

/** The first field in which two valid parcels of one key differ; undefined if they are the same. */
export function differingField(before: ParcelDraft, now: ParcelDraft): string | undefined {
  return FIELDS.find(([, read]) => read(before) !== read(now))?.[0];
}

const FIELDS: [string, (parcel: ParcelDraft) => string | number | bigint][] = [
  ['order_ref', (parcel) => parcel.orderRef],
  ['courier_id', (parcel) => parcel.courierId],
  ['service_code', (parcel) => parcel.serviceCode],
  ['node_id', (parcel) => parcel.nodeId],
  ['account_id', (parcel) => parcel.accountId],
  ['consignee.name', (parcel) => parcel.consignee.name],
  ['consignee.phone', (parcel) => parcel.consignee.phone],
  ['consignee.address.province', (parcel) => parcel.consignee.address.province],
  ['consignee.address.city', (parcel) => parcel.consignee.address.city],
  ['consignee.address.district', (parcel) => parcel.consignee.address.district],
  ['consignee.address.street', (parcel) => parcel.consignee.address.street],
  ['consignee.address.detail', (parcel) => parcel.consignee.address.detail],
  ['weight_g', (parcel) => parcel.weightG],
  ['volume_ml', (parcel) => parcel.volumeMl],
  ['goods_value_fen', (parcel) => parcel.goodsValueFen],
  ['goods_description', (parcel) => parcel.goodsDescription],
  ['remark', (parcel) => parcel.remark],
  ['merged_order_refs', (parcel) => parcel.mergedOrderRefs.join(' ')],
  ['parcel_count', (parcel) => parcel.parcelCount],
  ['added_services', (parcel) => addedServicesKey(parcel.addedServices)],
  ['hold_node_id', (parcel) => parcel.holdNodeId],
  ['outward_waybill_number', (parcel) => parcel.outwardNumber ?? ''],
];

/** Paths of an address in a request, made once. */
const addressPaths = (path: string) => ({
  province: `${path}.province`,
  city: `${path}.city`,
  district: `${path}.district`,
  street: `${path}.street`,
  detail: `${path}.detail`,
});
const CONSIGNEE_ADDRESS = addressPaths('consignee.address');
const ADDRESS = addressPaths('address');

const ORDER_REF = /^[A-Za-z0-9_-]{1,64}$/;
export const WAYBILL_NUMBER = /^[A-Z0-9]{5,32}$/;
const SERVICE_CODE = /^[a-z0-9-]{1,32}$/;
const PHONE = /^\+?\d[\d-]{0,28}\d$/;
const NOT_DIGIT = /\D/g;

export type Goods = Pick<
  Parcel,
  'weightG' | 'volumeMl' | 'goodsValueFen' | 'goodsDescription' | 'remark'
>;
export type ParcelKey = { orderRef: string; parcelNo: number };
