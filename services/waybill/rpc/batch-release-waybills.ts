import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type BatchReleaseWaybillsRequest,
  type BatchReleaseWaybillsResponse,
  BatchReleaseWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { moveWaybills } from '../move.ts';

export async function batchReleaseWaybills(
  deps: Deps,
  { waybillNumbers }: BatchReleaseWaybillsRequest,
  context: CallContext,
): Promise<BatchReleaseWaybillsResponse> {
  const outcomes = await moveWaybills(deps, 'release', waybillNumbers, context);
  return create(BatchReleaseWaybillsResponseSchema, { outcomes });
}
