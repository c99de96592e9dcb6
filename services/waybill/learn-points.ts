import {
  addressKeys,
  addressText,
  FAR_KM,
  FIX_COUNT_MAX,
  isFarOff,
  parseAddress,
} from '#libs/address';
import { transaction } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import type { LatLng } from '#libs/geo';
import type { CallContext } from '#libs/grpc';
import type { Ground } from './access.ts';
import { toE5 } from './address-point.ts';
import type { Deps } from './deps.ts';
import { waybillNotFound } from './read.ts';
import { consigneeErased, type OpenedWaybill, openWaybills } from './read-consignee.ts';
import { allows } from './state.ts';
import { type FixRow, replaceFixes } from './store/address-fix.ts';
import { type SealedWaybillRow, selectSealed } from './store/vault.ts';
import { lockRows, nameOf } from './store/version.ts';
import { tenantOf } from './tenant.ts';

/**
 * Learns where waybills were delivered, each number at most once: undefined for what is on disk
 * now, or why it was not taken. Consignees are opened for their address, the log of accesses first.
 */
export async function learnPoints(
  deps: Deps,
  deliveries: readonly Delivery[],
  context: CallContext,
): Promise<(RpcError | undefined)[]> {
  const byNumber = new Map(deliveries.map((delivery) => [delivery.number, delivery]));
  const refuse = (row: SealedWaybillRow) => refusal(row, byNumber.get(row.waybill_number));
  const numbers = deliveries.map(({ number }) => ({ number, field: 'waybill_number' }));
  const opened = await openWaybills(deps, numbers, { ground: GROUND, refuse }, context);
  const located = opened.map((waybill, i) =>
    waybill instanceof RpcError ? waybill : locate(waybill, deliveries[i] as Delivery),
  );
  const good = located.filter((each): each is Located => !(each instanceof RpcError));
  const refused = good.length === 0 ? new Map() : await keep(deps, good, context);
  return located.map((each, i) =>
    each instanceof RpcError ? each : refused.get((deliveries[i] as Delivery).number),
  );
}

/** Why a waybill's delivery teaches nothing. */
function refusal(row: SealedWaybillRow, delivery: Delivery | undefined): RpcError | undefined {
  if (row.is_erased) return consigneeErased(row.waybill_number);
  if (!allows('locate', row.state)) {
    return new RpcError('STATE_NOT_ALLOWED', { metadata: { state: row.state } });
  }
  if (delivery !== undefined && delivery.time <= row.issue_time) {
    return invalid('delivery_time', 'ORDER_OF_TIMES', { other: 'issue_time' });
  }
  return undefined;
}

/** A delivery with the address that it was brought to, if the one can be at the other. */
function locate({ row, consignee }: OpenedWaybill, delivery: Delivery): Located | RpcError {
  const address = consignee.address && parseAddress(addressText(consignee.address));
  const keys = address === undefined ? [] : addressKeys(address).map(({ key }) => key);
  if (address === undefined || keys.length === 0) return invalid('waybill_number', 'ADDRESS_VAGUE');
  if (isFarOff(address, delivery.point)) {
    return invalid('location', 'FAR_FROM_COUNTY', { max_km: FAR_KM });
  }
  return { row, keys, delivery };
}

/** Keeps them in one transaction; answers those that somebody changed or erased meanwhile. */
async function keep(
  deps: Deps,
  located: readonly Located[],
  { identity }: CallContext,
): Promise<Map<string, RpcError>> {
  const hashes = await deps.dataKeys.addressHashes();
  const places = located.map(({ row }) => nameOf(row));
  const refused = new Map<string, RpcError>();
  await transaction(deps.pool, async (tx) => {
    // Nobody erases them until this ends; who erases them later finds the fixes.
    await lockRows(tx, places);
    const rows = await selectSealed(tx, places, tenantOf(identity));
    const byNumber = new Map(rows.map((row) => [row.waybill_number, row]));
    const fixes: FixRow[] = [];
    for (const { row, keys, delivery } of located) {
      const { number, point, time } = delivery;
      const error = changeOf(row, byNumber.get(number));
      if (error !== undefined) {
        refused.set(number, error);
        continue;
      }
      const fix_id = hashes.fixIdOf(number);
      for (const key of keys) {
        fixes.push({
          ...{ key: hashes.keyOf(key), fix_id, fix_time: time },
          ...{ latitude_e5: toE5(point.latitudeDeg), longitude_e5: toE5(point.longitudeDeg) },
        });
      }
    }
    if (fixes.length > 0) await replaceFixes(tx, fixes, FIX_COUNT_MAX);
  });
  return refused;
}

/** What has become of a waybill since its consignee was opened; each change makes a version. */
function changeOf(
  before: SealedWaybillRow,
  now: SealedWaybillRow | undefined,
): RpcError | undefined {
  if (now === undefined) return waybillNotFound(before.waybill_number, 'waybill_number');
  if (now.is_erased) return consigneeErased(before.waybill_number);
  return now.version === before.version ? undefined : new RpcError('CONFLICT');
}

/** What the log of accesses says of it. */
const GROUND: Ground = { purpose: 'delivery', reason: 'ReportDeliveryPoints' };

/** Where and when a waybill was delivered; the point in WGS-84. */
export type Delivery = { readonly number: string; readonly point: LatLng; readonly time: Date };

type Located = { row: SealedWaybillRow; keys: readonly string[]; delivery: Delivery };
