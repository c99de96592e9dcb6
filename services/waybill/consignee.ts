import { fromBinary } from '@bufbuild/protobuf';
import { open } from '#libs/privacy';
import { type Consignee, ConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { DataKeys } from './data-keys.ts';

/** The consignee of a row; undefined once it is erased, alone or with the key of its month. */
export async function openConsignee(
  dataKeys: DataKeys,
  { merchant_id, waybill_number, consignee_sealed, data_key_id }: SealedRow,
): Promise<Consignee | undefined> {
  if (consignee_sealed.length === 0) return undefined;
  const dataKey = await dataKeys.byId(merchant_id, data_key_id);
  if (dataKey === undefined) return undefined;
  // Bound to the number: a sealed consignee moved to another row does not open.
  const plain = open(dataKey.key, consignee_sealed, Buffer.from(waybill_number));
  return fromBinary(ConsigneeSchema, plain);
}

export type SealedRow = {
  merchant_id: string;
  waybill_number: string;
  consignee_sealed: Uint8Array;
  data_key_id: string;
};
