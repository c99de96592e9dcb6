import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { normalizePhone } from '#libs/privacy';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import { Extent } from '#proto/queqiao/waybill/v1/waybill';
import {
  type UpdateWaybillRequest,
  type UpdateWaybillResponse,
  UpdateWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_life';
import type { Deps } from '../deps.ts';
import { enqueueUpdated } from '../events.ts';
import { toBody, toMessage } from '../message.ts';
import { type ParcelDraft, parseWaybillNumber } from '../parcel.ts';
import { findByNumber } from '../read.ts';
import { mustHaveRoom, readExtent, replaceWaybills } from '../replace.ts';
import { openParcel, sealedConsignee } from '../sealed.ts';
import { mustAllow } from '../state.ts';
import type { ChangeableRow } from '../store/version.ts';
import { tenantOf } from '../tenant.ts';
import { changed, mustBeWhole, parseUpdate } from '../update.ts';

export async function updateWaybill(
  deps: Deps,
  request: UpdateWaybillRequest,
  { identity }: CallContext,
): Promise<UpdateWaybillResponse> {
  const number = parseWaybillNumber('waybill_number', request.waybillNumber);
  parseUpdate(request);
  const found = await findByNumber(deps, number, tenantOf(identity));
  const courier = await deps.directory.courier(found.courier_id);
  const rows = await replaceWaybills(deps, {
    read: (db) => readExtent(db, found, request.extent),
    plan: async (before) => {
      const changes = await planChanges(deps, before, { request, courier });
      const named = before.find((row) => row.waybill_number === number);
      // A repeat comes with the version that it has already replaced.
      if (changes.length > 0 && named?.version !== request.version) throw new RpcError('CONFLICT');
      return changes;
    },
    announce: enqueueUpdated,
    identity,
  });
  const row = rows.find((each) => each.waybill_number === number);
  return create(UpdateWaybillResponseSchema, {
    ...(row && { waybill: toMessage(row) }),
    shipment: request.extent === Extent.SHIPMENT ? rows.map(toMessage) : [],
  });
}

/** The rows that differ after the change, as they shall be. */
async function planChanges(
  deps: Deps,
  rows: ChangeableRow[],
  { request, courier }: { request: UpdateWaybillRequest; courier: Courier },
): Promise<ChangeableRow[]> {
  const changes: ChangeableRow[] = [];
  for (const row of rows) {
    // What was given up travels no more: a change of the whole passes it over.
    if (row.state === 'cancelled' && row.waybill_number !== request.waybillNumber) continue;
    mustAllow('update', row.state);
    const before = await openParcel(deps, row);
    const { after, field } = changed(before, request, courier);
    if (field === undefined) continue;
    mustBeWhole(row, { before, after }, request.extent);
    mustHaveRoom(row);
    const hasNewConsignee = after.consignee !== before.consignee;
    changes.push({
      ...row,
      service_code: after.serviceCode,
      body: Buffer.from(toBody(after)),
      ...(hasNewConsignee && (await consigneeColumns(deps, row, after.consignee))),
    });
  }
  return changes;
}

/** Sealed by the key of the month it was issued in, so that one key erases all of a waybill. */
async function consigneeColumns(
  { dataKeys }: Deps,
  { data_key_id, merchant_id, waybill_number }: ChangeableRow,
  consignee: ParcelDraft['consignee'],
) {
  const sealingKey = await dataKeys.current(merchant_id);
  const dataKey = (await dataKeys.byId(merchant_id, data_key_id, { afresh: true })) ?? sealingKey;
  const phoneIndex = sealingKey.phoneIndexOf(normalizePhone(consignee.phone).number);
  return {
    ...sealedConsignee(dataKey, consignee, waybill_number),
    phone_index: String(phoneIndex),
  };
}
