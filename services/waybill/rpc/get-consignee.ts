import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type GetConsigneeRequest,
  type GetConsigneeResponse,
  GetConsigneeResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { parseGround } from '../access.ts';
import type { Deps } from '../deps.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { readConsignees } from '../read-consignee.ts';

export async function getConsignee(
  deps: Deps,
  request: GetConsigneeRequest,
  context: CallContext,
): Promise<GetConsigneeResponse> {
  const field = 'waybill_number';
  const number = parseWaybillNumber(field, request.waybillNumber);
  const ground = parseGround(request, context.identity);
  const [outcome] = await readConsignees(deps, [{ number, field }], ground, context);
  if (outcome === undefined || outcome instanceof RpcError) throw outcome;
  return create(GetConsigneeResponseSchema, { consignee: outcome });
}
