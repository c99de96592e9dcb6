import { create } from '@bufbuild/protobuf';
import { ofMerchant, transaction } from '#libs/db';
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
import { nameOf } from '../store/version.ts';
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
  // Who got the parcel is the sender of its returns.
  const returns = await findByNumbers(deps, found.return_numbers, tenant);
  const hashes = await deps.dataKeys.addressHashes();
  const time = deps.now();
  await transaction(
    deps.pool,
    async (tx) => {
      const rows = [found, ...returns.values()];
      const erased = await eraseConsignees(tx, rows.map(nameOf), { dataKeyId: null, hashes });
      for (const { waybill_number: erasedNumber, merchant_id, courier_id } of rows) {
        // It was erased before, and that was written down and announced.
        if (!erased.has(erasedNumber)) continue;
        const access = { ...accessOf(context, ground, time), operation: 'erase_parcel' } as const;
        await insertAccesses(tx, [{ ...access, merchant_id, waybill_number: erasedNumber }]);
        const event = { courierId: courier_id, merchantId: merchant_id, numbers: [erasedNumber] };
        await enqueueConsigneesErased(tx, event, time);
      }
    },
    { tenant: ofMerchant(found.merchant_id) },
  );
  deps.relay.wake();
  return create(EraseConsigneeResponseSchema, { waybill: toMessage(await read()) });
}
