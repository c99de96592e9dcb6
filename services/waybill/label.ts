import { fromBinary } from '@bufbuild/protobuf';
import type { Label, LabelService, Party } from '#libs/label';
import { maskAddressDetail, maskName, maskPhone } from '#libs/privacy';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { Address } from '#proto/queqiao/type/v1/address';
import {
  type AddedService,
  type Consignee,
  type MaskedConsignee,
  MaskedConsigneeSchema,
  ParcelSchema,
} from '#proto/queqiao/waybill/v1/waybill';
import type { Deps } from './deps.ts';
import type { Sorting } from './sort-code.ts';
import type { WaybillRow } from './store/waybill.ts';

/** What the label of a waybill says but for its print; names, phones and addresses masked. */
export async function labelOf(
  { directory }: Deps,
  row: WaybillRow,
  { consignee, sorting }: { consignee: Consignee; sorting: Sorting },
): Promise<Omit<Label, 'qrText' | 'printTime' | 'reprintCount' | 'custom'>> {
  const [courier, node] = await Promise.all([
    directory.courier(row.courier_id),
    directory.node(row.node_id),
  ]);
  const body = fromBinary(ParcelSchema, row.body);
  const service = courier.services.find(({ serviceCode }) => serviceCode === row.service_code);
  return {
    courierName: courier.displayName,
    serviceName: service?.displayName ?? row.service_code,
    waybillNumber: row.waybill_number,
    ...sorting,
    consignee: maskedParty(consignee),
    sender: senderOf(row, node),
    services: body.addedServices.map((each) => serviceOf(each, courier)),
    parcelNo: row.parcel_no,
    parcelCount: row.parcel_count,
    parentNumber: row.parent_number ?? undefined,
    orderRef: row.order_ref,
    goodsDescription: body.goodsDescription,
    weightG: body.weightG,
  };
}

function maskedParty({ name, phone, address }: Consignee): Party {
  return { name: maskName(name), phone: maskPhone(phone), address: placeOf(masked(address)) };
}

/**
 * A return is sent by a person, of whom the region is shown; all else by a registered place, whose
 * address is no person's and brings back what cannot be delivered.
 */
function senderOf({ sender_masked }: WaybillRow, node: Node): Party {
  if (sender_masked === null) {
    const { displayName: name, phone, address } = node;
    return { name, phone: maskPhone(phone), address: placeOf(address) };
  }
  const sender: MaskedConsignee = fromBinary(MaskedConsigneeSchema, sender_masked);
  return { name: sender.name, phone: sender.phone, address: regionOf(sender) };
}

function placeOf(address: Address | undefined): string {
  return address === undefined ? '' : regionOf(address) + address.street + address.detail;
}

function masked(address: Address | undefined): Address | undefined {
  return address && { ...address, detail: maskAddressDetail(address.detail) };
}

/** Of a province-level city the name stands once: 上海市青浦区. */
function regionOf(place: { province: string; city: string; district: string }): string {
  const { province, city, district } = place;
  return `${province}${city === province ? '' : city}${district}`;
}

/** The codes that mean the same everywhere in their own words, others as the courier calls them. */
function serviceOf({ code, attributes }: AddedService, courier: Courier): LabelService {
  const integer = (name: string): bigint | undefined => {
    const value = attributes[name]?.value;
    return value?.case === 'integer' ? value.value : undefined;
  };
  const amountFen = integer('amount_fen');
  if (code === 'cod' && amountFen !== undefined) return { kind: 'cod', amountFen };
  const valueFen = integer('value_fen');
  if (code === 'insured' && valueFen !== undefined) return { kind: 'insured', valueFen };
  const [min, max] = [integer('temperature_min_decic'), integer('temperature_max_decic')];
  if (code === 'cold-chain' && min !== undefined && max !== undefined) {
    return { kind: 'cold_chain', minDecic: Number(min), maxDecic: Number(max) };
  }
  const pieceCount = integer('piece_count');
  if (code === 'freight' && pieceCount !== undefined) {
    const packaging = String(attributes['package']?.value.value ?? '');
    return { kind: 'freight', pieceCount: Number(pieceCount), package: packaging };
  }
  const declared = courier.addedServices.find((each) => each.code === code);
  const values = Object.values(attributes).map(({ value }) => String(value.value));
  return { kind: 'other', text: [declared?.displayName ?? code, ...values].join(' ') };
}
