import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { Extent } from '#proto/queqiao/waybill/v1/waybill';
import {
  type CancelWaybillRequest,
  type CancelWaybillResponse,
  CancelWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import { enqueueCancelled } from '../events.ts';
import { mustBeText } from '../field.ts';
import { toMessage } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumber } from '../read.ts';
import { parseExtent, replaceWaybills } from '../replace.ts';
import { isShipmentParent } from '../shipment.ts';
import { allows, mustAllow } from '../state.ts';
import { type ChangeableRow, nameOf, selectChangeable, selectShipment } from '../store/version.ts';
import { tenantOf } from '../tenant.ts';

export async function cancelWaybill(
  deps: Deps,
  request: CancelWaybillRequest,
  { identity }: CallContext,
): Promise<CancelWaybillResponse> {
  const number = parseWaybillNumber('waybill_number', request.waybillNumber);
  const { reason } = request;
  mustBeText('reason', reason, 0, 200);
  const isWhole = parseExtent(request.extent) === Extent.SHIPMENT;
  const found = await findByNumber(deps, number, tenantOf(identity));
  const time = deps.now();
  const rows = await replaceWaybills(deps, {
    // A parent's children have a say, also where it is cancelled alone.
    read: (db) =>
      isWhole || isShipmentParent(found)
        ? selectShipment(db, found)
        : selectChangeable(db, [nameOf(found)]),
    plan: (before) => {
      const wanted = isWhole ? before : before.filter((row) => row.waybill_number === number);
      const live = wanted.filter((row) => row.state !== 'cancelled');
      for (const row of live) mustAllow('cancel', row.state);
      if (!isWhole && live.length > 0) mustLeaveNoChild(live[0] as ChangeableRow, before);
      const change = { state: 'cancelled', cancel_time: time, cancel_reason: reason } as const;
      return live.map((row) => ({ ...row, ...change }));
    },
    announce: async (tx, cancelled, cancelTime) => {
      await deps.accounts.cancel(tx, cancelled);
      await enqueueCancelled(tx, cancelled, cancelTime);
    },
    identity,
  });
  const row = rows.find((each) => each.waybill_number === number);
  return create(CancelWaybillResponseSchema, {
    ...(row && { waybill: toMessage(row) }),
    shipment: isWhole ? rows.map(toMessage) : [],
  });
}

/** Shipping and tracking hang on the parent: it goes last. */
function mustLeaveNoChild(parent: ChangeableRow, shipment: ChangeableRow[]): void {
  const others = shipment.filter((row) => row !== parent && allows('cancel', row.state));
  if (others.length === 0) return;
  throw new RpcError('CHILDREN_LIVE', {
    field: 'extent',
    metadata: { waybill_number: parent.waybill_number, count: String(others.length) },
  });
}
