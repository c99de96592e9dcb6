import { create } from '@bufbuild/protobuf';
import { invalid, RpcError, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type BatchGetConsigneesRequest,
  type BatchGetConsigneesResponse,
  BatchGetConsigneesResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { parseGround } from '../access.ts';
import type { Deps } from '../deps.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { readConsignees } from '../read-consignee.ts';

const NUMBERS_MAX = 100;

export async function batchGetConsignees(
  deps: Deps,
  request: BatchGetConsigneesRequest,
  context: CallContext,
): Promise<BatchGetConsigneesResponse> {
  const { waybillNumbers } = request;
  if (waybillNumbers.length === 0 || waybillNumbers.length > NUMBERS_MAX) {
    throw invalid('waybill_numbers', 'LIST_SIZE', { min: 1, max: NUMBERS_MAX });
  }
  const ground = parseGround(request, context.identity);
  const numbers = waybillNumbers.map((number, i) => {
    const field = `waybill_numbers[${i}]`;
    if (waybillNumbers.indexOf(number) < i) throw invalid(field, 'REPEATED');
    return { number: parseWaybillNumber(field, number), field };
  });
  const outcomes = await readConsignees(deps, numbers, ground, context);
  return create(BatchGetConsigneesResponseSchema, {
    outcomes: outcomes.map((outcome, i) => ({
      waybillNumber: waybillNumbers[i] ?? '',
      outcome:
        outcome instanceof RpcError
          ? { case: 'error' as const, value: toItemError(outcome) }
          : { case: 'consignee' as const, value: outcome },
    })),
  });
}
