import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type GetWaybillRequest,
  type GetWaybillResponse,
  GetWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumbers, waybillNotFound } from '../read.ts';
import { tenantOf } from '../tenant.ts';

export async function getWaybill(
  deps: Deps,
  { waybillNumber }: GetWaybillRequest,
  { identity }: CallContext,
): Promise<GetWaybillResponse> {
  const number = parseWaybillNumber('waybill_number', waybillNumber);
  const row = (await findByNumbers(deps, [number], tenantOf(identity))).get(number);
  if (row === undefined) throw waybillNotFound(number, 'waybill_number');
  return create(GetWaybillResponseSchema, { waybill: toMessage(row) });
}
