import { invalid, type Problem, RpcError } from '#libs/errors';
import type { Parcel } from '#proto/queqiao/waybill/v1/waybill';

/**
 * What the contract forbids in a parcel, from the comments of its proto files, so that a file can
 * be tried without a server. The server's own check decides; it also knows couriers and nodes.
 */
export function checkParcel(parcel: Parcel): RpcError[] {
  const { consignee } = parcel;
  const address = consignee?.address;
  const errors = [
    matches('order_ref', parcel.orderRef, ORDER_REF, 'ORDER_REF'),
    lies('parcel_no', parcel.parcelNo, 0, 999),
    matches('courier_id', parcel.courierId, SLUG, 'SLUG'),
    parcel.serviceCode && matches('service_code', parcel.serviceCode, SERVICE_CODE, 'SERVICE_CODE'),
    matches('node_id', parcel.nodeId, SLUG, 'SLUG'),
    parcel.accountId && matches('account_id', parcel.accountId, SLUG, 'SLUG'),
    isText('consignee.name', consignee?.name ?? '', { min: 1, max: 40 }),
    checkPhone(consignee?.phone ?? ''),
    isText('consignee.address.province', address?.province ?? '', { min: 1, max: 20 }),
    isText('consignee.address.city', address?.city ?? '', { min: 0, max: 20 }),
    isText('consignee.address.district', address?.district ?? '', { min: 0, max: 20 }),
    isText('consignee.address.street', address?.street ?? '', { min: 0, max: 30 }),
    isText('consignee.address.detail', address?.detail ?? '', { min: 1, max: 256 }),
    lies('weight_g', parcel.weightG, 0, 1_000_000),
    lies('volume_ml', parcel.volumeMl, 0, 10_000_000),
    lies('goods_value_fen', Number(parcel.goodsValueFen), 0, 1_000_000_000),
    isText('goods_description', parcel.goodsDescription, { min: 0, max: 100 }),
    isText('remark', parcel.remark, { min: 0, max: 200 }),
    lies('merged_order_refs', parcel.mergedOrderRefs.length, 0, 100, 'LIST_SIZE'),
    ...parcel.mergedOrderRefs.map((ref, i) =>
      matches(`merged_order_refs[${i}]`, ref, ORDER_REF, 'ORDER_REF'),
    ),
    ...checkShipment(parcel),
    ...checkAddedServices(parcel),
    parcel.holdNodeId && matches('hold_node_id', parcel.holdNodeId, SLUG, 'SLUG'),
  ];
  return errors.filter((error) => error instanceof RpcError);
}

function checkShipment({ parcelNo, parcelCount }: Parcel): (RpcError | undefined)[] {
  if (parcelCount === 0 || parcelCount === 1) return [];
  const count = lies('parcel_count', parcelCount, 0, 999);
  return [count ?? lies('parcel_no', parcelNo || 1, 1, parcelCount)];
}

/** Which services and attributes there are, the courier says: the server knows. */
function checkAddedServices({ addedServices }: Parcel): (RpcError | undefined)[] {
  return [
    lies('added_services', addedServices.length, 0, 10, 'LIST_SIZE'),
    ...addedServices.map(({ code }, i) => {
      const field = `added_services[${i}].code`;
      const isRepeated = addedServices.findIndex((other) => other.code === code) < i;
      const problem = matches(field, code, SERVICE_CODE, 'SERVICE_CODE');
      return problem ?? (isRepeated ? invalid(field, 'REPEATED') : undefined);
    }),
  ];
}

function checkPhone(phone: string): RpcError | undefined {
  const digits = phone.replace(/\D/g, '').length;
  if (phone !== '' && (digits < 5 || digits > 20)) return invalid('consignee.phone', 'PHONE');
  return matches('consignee.phone', phone, PHONE, 'PHONE');
}

function matches(
  field: string,
  text: string,
  pattern: RegExp,
  problem: Problem,
): RpcError | undefined {
  if (text === '') return invalid(field, 'REQUIRED');
  return pattern.test(text) ? undefined : invalid(field, problem);
}

function lies(
  field: string,
  value: number,
  min: number,
  max: number,
  problem: Problem = 'OUT_OF_RANGE',
): RpcError | undefined {
  return value < min || value > max ? invalid(field, problem, { min, max }) : undefined;
}

function isText(
  field: string,
  text: string,
  { min, max }: { min: number; max: number },
): RpcError | undefined {
  if ([...text].length > max) return invalid(field, 'TOO_LONG', { max });
  if (/\p{Cc}/u.test(text)) return invalid(field, 'CONTROL_CHARACTER');
  const character = /['"#&+<>%\\]/.exec(text)?.[0];
  if (character !== undefined) {
    return new RpcError('CHARACTER_ILLEGAL', { field, metadata: { character } });
  }
  return min > 0 && text.trim() === '' ? invalid(field, 'REQUIRED') : undefined;
}

const SLUG = /^[a-z][a-z0-9-]{1,31}$/;
const ORDER_REF = /^[A-Za-z0-9_-]{1,64}$/;
const SERVICE_CODE = /^[a-z0-9-]{1,32}$/;
const PHONE = /^\+?\d[\d-]{0,28}\d$/;
