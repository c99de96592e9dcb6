import { create } from '@bufbuild/protobuf';
import type { CallContext } from '#libs/grpc';
import {
  type RecallWaybillRequest,
  type RecallWaybillResponse,
  RecallWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { moveWaybill } from '../move.ts';

export async function recallWaybill(
  deps: Deps,
  { waybillNumber }: RecallWaybillRequest,
  context: CallContext,
): Promise<RecallWaybillResponse> {
  const row = await moveWaybill(deps, 'recall', waybillNumber, context);
  return create(RecallWaybillResponseSchema, { waybill: toMessage(row) });
}
