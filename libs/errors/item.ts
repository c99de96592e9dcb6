import { create } from '@bufbuild/protobuf';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import { type ItemError, ItemErrorSchema } from '#proto/queqiao/type/v1/item_error';
import { toRpcError } from './map.ts';
import type { Reason } from './reasons.ts';
import { RpcError } from './rpc-error.ts';

/** The outcome of one failed item of a batch. */
export function toItemError(error: unknown): ItemError {
  const { code, reason, field, textEn, textZh, retryable, metadata } = toRpcError(error);
  return create(ItemErrorSchema, {
    code,
    reason: ErrorReason[reason],
    field,
    textEn,
    textZh,
    retryable,
    metadata: { ...metadata },
  });
}

/** What one item of a batch failed with, as a client throws it. */
export function fromItemError(item: ItemError): RpcError {
  const { field, textEn, textZh, metadata } = item;
  // Only FIELD_INVALID says more than its metadata: after the field's name, what is wrong with it.
  const texts = {
    problem_en: textEn.slice(field.length + 1),
    problem_zh: textZh.slice(field.length),
  };
  return new RpcError(reasonOf(item.reason), { field, metadata: { ...metadata }, texts });
}

/** The name of a reason, as programs compare it; INTERNAL for one this version does not know. */
export function reasonOf(value: ErrorReason): Reason {
  return NAMES.get(value) ?? 'INTERNAL';
}

const NAMES: ReadonlyMap<ErrorReason, Reason> = new Map(
  Object.entries(ErrorReason)
    .filter(([name]) => name !== 'UNSPECIFIED')
    .map(([name, value]) => [value, name as Reason]),
);
