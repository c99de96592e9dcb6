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
import { findByNumber } from '../read.ts';
import { tenantOf } from '../tenant.ts';

export async function getWaybill(
  deps: Deps,
  { waybillNumber }: GetWaybillRequest,
  { identity }: CallContext,
): Promise<GetWaybillResponse> {
  const number = parseWaybillNumber('waybill_number', waybillNumber);
  const row = await findByNumber(deps, number, tenantOf(identity));
  return create(GetWaybillResponseSchema, { waybill: toMessage(row) });
}
