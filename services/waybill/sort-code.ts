import type { SortCode } from '#libs/label';
import type { WaybillRow } from './store/waybill.ts';

/**
 * The sort code of a waybill. None is known: no courier's table and no territory is in the network.
 * The label's area then stays empty, for a code that was guessed would send parcels astray.
 */
export function sortCodeOf(_row: WaybillRow): SortCode | undefined {
  return undefined;
}

/** Where bags for it are opened (集包地); empty for the same reason. */
export function bagDestinationOf(_row: WaybillRow): string {
  return '';
}
