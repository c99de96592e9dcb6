import { create } from '@bufbuild/protobuf';
import { transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type CancelWaybillRequest,
  type CancelWaybillResponse,
  CancelWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { enqueueCancelled } from '../events.ts';
import { toMessage } from '../message.ts';
import { mustBeText, parseWaybillNumber } from '../parcel.ts';
import { findByNumbers, waybillNotFound } from '../read.ts';
import { allows } from '../state.ts';
import { lockWaybill, updateCancelled, type WaybillRow } from '../store/waybill.ts';
import { tenantOf } from '../tenant.ts';

export async function cancelWaybill(
  deps: Deps,
  { waybillNumber, reason }: CancelWaybillRequest,
  { identity }: CallContext,
): Promise<CancelWaybillResponse> {
  const number = parseWaybillNumber('waybill_number', waybillNumber);
  mustBeText('reason', reason, 0, 200);
  const tenant = tenantOf(identity);
  const found = (await findByNumbers(deps, [number], tenant)).get(number);
  if (found === undefined) throw waybillNotFound(number, 'waybill_number');
  const time = deps.now();
  const row = await transaction(deps.pool, async (tx): Promise<WaybillRow> => {
    const before = await lockWaybill(tx, { bucket: found.bucket, number, tenant });
    if (before === undefined) throw waybillNotFound(number, 'waybill_number');
    if (before.state === 'cancelled') return before;
    if (!allows('cancel', before.state)) {
      throw new RpcError('STATE_NOT_ALLOWED', { metadata: { state: before.state } });
    }
    await deps.accounts.cancel(tx, [before]);
    const after = await updateCancelled(tx, before, { state: 'cancelled', time, reason });
    await enqueueCancelled(tx, after, time);
    return after;
  });
  deps.relay.wake();
  return create(CancelWaybillResponseSchema, { waybill: toMessage(row) });
}
