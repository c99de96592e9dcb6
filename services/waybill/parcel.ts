import { invalid, type Problem, RpcError } from '#libs/errors';
import type { Address } from '#proto/queqiao/type/v1/address';
import type { Consignee, Parcel } from '#proto/queqiao/waybill/v1/waybill';

/** A parcel whose every field is valid, defaults filled in; the rest of the code checks nothing. */
export type ParcelDraft = Parcel & {
  consignee: Consignee & { address: Address };
};

/** Limits of the contract; proto/queqiao/waybill/v1/waybill.proto says the same. */
const PARCEL_NO_MAX = 999;
const WEIGHT_G_MAX = 1_000_000;
const VOLUME_ML_MAX = 10_000_000;
const GOODS_VALUE_FEN_MAX = 1_000_000_000n;
const MERGED_ORDER_REFS_MAX = 100;

/** The valid form of a parcel, or an RpcError with the field at fault. */
export function parseParcel(parcel: Parcel): ParcelDraft {
  parcel.parcelNo ||= 1;
  const { consignee } = parcel;
  mustMatch('order_ref', parcel.orderRef, ORDER_REF, 'ORDER_REF');
  mustLieIn('parcel_no', parcel.parcelNo, 1, PARCEL_NO_MAX);
  mustMatch('courier_id', parcel.courierId, SLUG, 'SLUG');
  if (parcel.serviceCode !== '') {
    mustMatch('service_code', parcel.serviceCode, SERVICE_CODE, 'SERVICE_CODE');
  }
  mustMatch('node_id', parcel.nodeId, SLUG, 'SLUG');
  mustLieIn('weight_g', parcel.weightG, 0, WEIGHT_G_MAX);
  mustLieIn('volume_ml', parcel.volumeMl, 0, VOLUME_ML_MAX);
  if (parcel.goodsValueFen < 0n || parcel.goodsValueFen > GOODS_VALUE_FEN_MAX) {
    throw invalid('goods_value_fen', 'OUT_OF_RANGE', { min: 0, max: String(GOODS_VALUE_FEN_MAX) });
  }
  mustBeText('goods_description', parcel.goodsDescription, 0, 100);
  mustBeText('remark', parcel.remark, 0, 200);
  parseMergedOrderRefs(parcel.mergedOrderRefs);
  if (consignee === undefined) throw invalid('consignee', 'REQUIRED');
  parseConsignee(consignee);
  return parcel as ParcelDraft;
}

function parseConsignee({ name, phone, address }: Consignee): void {
  mustBeText('consignee.name', name, 1, 40);
  if (phone === '') throw invalid('consignee.phone', 'REQUIRED');
  const digitCount = phone.replace(NOT_DIGIT, '').length;
  if (!PHONE.test(phone) || digitCount < 5 || digitCount > 20) {
    throw invalid('consignee.phone', 'PHONE');
  }
  if (address === undefined) throw invalid('consignee.address', 'REQUIRED');
  mustBeText('consignee.address.province', address.province, 1, 20);
  mustBeText('consignee.address.city', address.city, 0, 20);
  mustBeText('consignee.address.district', address.district, 0, 20);
  mustBeText('consignee.address.street', address.street, 0, 30);
  mustBeText('consignee.address.detail', address.detail, 1, 256);
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
];

export const SLUG = /^[a-z][a-z0-9-]{1,31}$/;
const ORDER_REF = /^[A-Za-z0-9_-]{1,64}$/;
export const WAYBILL_NUMBER = /^[A-Z0-9]{5,32}$/;
const SERVICE_CODE = /^[a-z0-9-]{1,32}$/;
const PHONE = /^\+?\d[\d-]{0,28}\d$/;
const NOT_DIGIT = /\D/g;
/** Characters that couriers' systems refuse, and controls, which no label can show. */
const REFUSED = /['"#&+<>%\\\p{Cc}]/u;

function mustMatch(field: string, text: string, pattern: RegExp, problem: Problem): void {
  if (text === '') throw invalid(field, 'REQUIRED');
  if (!pattern.test(text)) throw invalid(field, problem);
}

function mustLieIn(field: string, value: number, min: number, max: number): void {
  if (value < min || value > max) throw invalid(field, 'OUT_OF_RANGE', { min, max });
}

/** Also used for other texts of the service; counts characters, not UTF-16 units. */
export function mustBeText(field: string, text: string, min: number, max: number): void {
  if (text.length > max && [...text].length > max) throw invalid(field, 'TOO_LONG', { max });
  const refused = REFUSED.exec(text)?.[0];
  if (refused !== undefined) {
    if (/\p{Cc}/u.test(refused)) throw invalid(field, 'CONTROL_CHARACTER');
    throw new RpcError('CHARACTER_ILLEGAL', { field, metadata: { character: refused } });
  }
  if (min > 0 && text.trim() === '') throw invalid(field, 'REQUIRED');
}

export type ParcelKey = { orderRef: string; parcelNo: number };
