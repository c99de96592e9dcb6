import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type ReleaseWaybillRequest,
  type ReleaseWaybillResponse,
  ReleaseWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { moveWaybill } from '../move.ts';

export async function releaseWaybill(
  deps: Deps,
  { waybillNumber }: ReleaseWaybillRequest,
  context: CallContext,
): Promise<ReleaseWaybillResponse> {
  const row = await moveWaybill(deps, 'release', waybillNumber, context);
  return create(ReleaseWaybillResponseSchema, { waybill: toMessage(row) });
}
