import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { maskedConsignee, seal } from '#libs/privacy';
import {
  type Consignee,
  ConsigneeSchema,
  MaskedConsigneeSchema,
  type Parcel,
  ParcelSchema,
} from '#proto/queqiao/waybill/v1/waybill';
import { openConsignee } from './consignee.ts';
import type { DataKey } from './data-keys.ts';
import type { Deps } from './deps.ts';

// What of a waybill is sealed, and bound to its number: moved to another row it does not open.

/** A waybill's contents as a parcel; without consignee once that is erased. */
export async function openParcel(deps: Pick<Deps, 'dataKeys'>, row: SealedRow): Promise<Parcel> {
  const consignee = await openConsignee(deps.dataKeys, row);
  return {
    ...fromBinary(ParcelSchema, row.body),
    orderRef: row.order_ref,
    parcelNo: row.parcel_no,
    courierId: row.courier_id,
    serviceCode: row.service_code,
    nodeId: row.node_id,
    parcelCount: row.parcel_count,
    consignee,
  };
}

/** The columns of a row that tell its consignee. */
export function sealedConsignee({ key, dataKeyId }: DataKey, consignee: Consignee, number: string) {
  const plain = toBinary(ConsigneeSchema, consignee);
  return {
    consignee_masked: Buffer.from(toBinary(MaskedConsigneeSchema, maskedConsignee(consignee))),
    consignee_sealed: seal(key, plain, Buffer.from(number)),
    data_key_id: String(dataKeyId),
  };
}

/** Who sends a return, masked and sealed. */
export function sealedSender({ key }: DataKey, sender: Consignee, number: string) {
  const plain = toBinary(ConsigneeSchema, sender);
  return {
    masked: Buffer.from(toBinary(MaskedConsigneeSchema, maskedConsignee(sender))),
    // Another name than the consignee's, so that the two cannot be exchanged.
    sealed: seal(key, plain, Buffer.from(`${number}/sender`)),
  };
}

export type SealedRow = {
  merchant_id: string;
  waybill_number: string;
  order_ref: string;
  parcel_no: number;
  courier_id: string;
  service_code: string;
  node_id: string;
  parcel_count: number;
  body: Uint8Array;
  consignee_sealed: Uint8Array;
  data_key_id: string;
};
