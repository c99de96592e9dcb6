import { create } from '@bufbuild/protobuf';
import { invalid, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type BatchGetWaybillsRequest,
  type BatchGetWaybillsResponse,
  BatchGetWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { toOutcome } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumbers, waybillNotFound } from '../read.ts';
import { tenantOf } from '../tenant.ts';

const NUMBERS_MAX = 1_000;

export async function batchGetWaybills(
  deps: Deps,
  { waybillNumbers }: BatchGetWaybillsRequest,
  { identity }: CallContext,
): Promise<BatchGetWaybillsResponse> {
  if (waybillNumbers.length === 0 || waybillNumbers.length > NUMBERS_MAX) {
    throw invalid('waybill_numbers', 'LIST_SIZE', { min: 1, max: NUMBERS_MAX });
  }
  const parsed = waybillNumbers.map((number, i) => {
    try {
      return parseWaybillNumber(`waybill_numbers[${i}]`, number);
    } catch (error) {
      return toItemError(error);
    }
  });
  const numbers = parsed.filter((number) => typeof number === 'string');
  const found = await findByNumbers(deps, numbers, tenantOf(identity));
  return create(BatchGetWaybillsResponseSchema, {
    outcomes: parsed.map((number, i) => {
      if (typeof number !== 'string') return toOutcome(number);
      const missing = () => toItemError(waybillNotFound(number, `waybill_numbers[${i}]`));
      return toOutcome(found.get(number) ?? missing());
    }),
  });
}
