import { create } from '@bufbuild/protobuf';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import { type ItemError, ItemErrorSchema } from '#proto/queqiao/type/v1/item_error';
import { toRpcError } from './map.ts';

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
