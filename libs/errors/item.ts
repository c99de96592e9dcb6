import { create } from '@bufbuild/protobuf';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import { type ItemError, ItemErrorSchema } from '#proto/queqiao/type/v1/item_error';
import { toRpcError } from './map.ts';
import type { Reason } from './reasons.ts';

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

/** The name of a reason, as programs compare it; INTERNAL for one this version does not know. */
export function reasonOf(value: ErrorReason): Reason {
  return NAMES.get(value) ?? 'INTERNAL';
}

const NAMES: ReadonlyMap<ErrorReason, Reason> = new Map(
  Object.entries(ErrorReason)
    .filter(([name]) => name !== 'UNSPECIFIED')
    .map(([name, value]) => [value, name as Reason]),
);
