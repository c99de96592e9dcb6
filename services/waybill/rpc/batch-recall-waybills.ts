import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type BatchRecallWaybillsRequest,
  type BatchRecallWaybillsResponse,
  BatchRecallWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { moveWaybills } from '../move.ts';

export async function batchRecallWaybills(
  deps: Deps,
  { waybillNumbers }: BatchRecallWaybillsRequest,
  context: CallContext,
): Promise<BatchRecallWaybillsResponse> {
  const outcomes = await moveWaybills(deps, 'recall', waybillNumbers, context);
  return create(BatchRecallWaybillsResponseSchema, { outcomes });
}
