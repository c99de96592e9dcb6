import { create } from '@bufbuild/protobuf';
import { transaction } from '#libs/db';
import { invalid } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type EraseConsigneeRequest,
  type EraseConsigneeResponse,
  EraseConsigneeResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { accessOf, parseErasure } from '../access.ts';
import type { Deps } from '../deps.ts';
import { eraseConsignees } from '../erase.ts';
import { enqueueConsigneesErased } from '../events.ts';
import { toMessage } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumbers, waybillNotFound } from '../read.ts';
import { insertAccesses } from '../store/access.ts';
import { tenantOf } from '../tenant.ts';

export async function eraseConsignee(
  deps: Deps,
  request: EraseConsigneeRequest,
  context: CallContext,
): Promise<EraseConsigneeResponse> {
  const number = parseWaybillNumber('waybill_number', request.waybillNumber);
  const ground = parseErasure(request);
  if (request.confirm !== number) throw invalid('confirm', 'CONFIRM', { expected: number });
  const tenant = tenantOf(context.identity);
  const read = async () => {
    const row = (await findByNumbers(deps, [number], tenant)).get(number);
    if (row === undefined) throw waybillNotFound(number, 'waybill_number');
    return row;
  };
  const found = await read();
  const time = deps.now();
  await transaction(deps.pool, async (tx) => {
    const erased = await eraseConsignees(tx, [{ bucket: found.bucket, number }], null);
    // It was erased before, and that was written down and announced.
    if (erased.size === 0) return;
    const { merchant_id, courier_id: courierId } = found;
    const access = { ...accessOf(context, ground, time), operation: 'erase_parcel' } as const;
    await insertAccesses(tx, [{ ...access, merchant_id, waybill_number: number }]);
    const event = { courierId, merchantId: merchant_id, numbers: [number] };
    await enqueueConsigneesErased(tx, event, time);
  });
  deps.relay.wake();
  return create(EraseConsigneeResponseSchema, { waybill: toMessage(await read()) });
}
