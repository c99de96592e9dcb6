import { create } from '@bufbuild/protobuf';
import { invalid, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type LookUpWaybillsRequest,
  type LookUpWaybillsResponse,
  LookUpWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { bucketOf } from '../bucket.ts';
import type { Deps } from '../deps.ts';
import { toOutcome } from '../message.ts';
import { type ParcelKey, parseParcelKey } from '../parcel.ts';
import { waybillNotFound } from '../read.ts';
import { selectByParcelKeys } from '../store/waybill.ts';
import { merchantOf, tenantOf } from '../tenant.ts';

const KEYS_MAX = 1_000;

export async function lookUpWaybills(
  { pool, directory }: Deps,
  { merchantId, keys }: LookUpWaybillsRequest,
  { identity }: CallContext,
): Promise<LookUpWaybillsResponse> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  if (keys.length === 0 || keys.length > KEYS_MAX) {
    throw invalid('keys', 'LIST_SIZE', { min: 1, max: KEYS_MAX });
  }
  const parsed = keys.map((key) => {
    try {
      return parseParcelKey(key);
    } catch (error) {
      return toItemError(error);
    }
  });
  const valid = parsed.filter((key) => 'orderRef' in key);
  const rows = await selectByParcelKeys(
    pool,
    { merchantId: merchant.merchantId, setting: tenantOf(identity).setting },
    valid.map((key) => ({ ...key, bucket: bucketOf(merchant, key) })),
  );
  const found = new Map(rows.map((row) => [nameOf(row.order_ref, row.parcel_no), row]));
  return create(LookUpWaybillsResponseSchema, {
    outcomes: parsed.map((key) => {
      if (!('orderRef' in key)) return toOutcome(key);
      return toOutcome(found.get(nameOf(key.orderRef, key.parcelNo)) ?? missing(key));
    }),
  });
}

/** Spellings that differ in case are one key. */
function nameOf(orderRef: string, parcelNo: number): string {
  return `${orderRef.toLowerCase()}/${parcelNo}`;
}

function missing({ orderRef, parcelNo }: ParcelKey) {
  return toItemError(waybillNotFound(`${orderRef}/${parcelNo}`, 'order_ref'));
}
