import type { Directory } from '#libs/directory';
import type { Label } from '#libs/label';
import type { Consignee } from '#proto/queqiao/waybill/v1/waybill';
import type { WaybillRow } from './store/waybill.ts';

/**
 * By which code the courier sorts a waybill's parcel, and where bags for it are opened (集包地),
 * looked up when the label is printed: issuing takes no time for it, and a reprint says what holds
 * now. Where the courier has not exactly one code the label's areas stay empty, for a code that was
 * guessed would send parcels astray.
 */
export async function sortingOf(
  directory: Pick<Directory, 'sortCode'>,
  { courier_id: courierId }: Pick<WaybillRow, 'courier_id'>,
  { address }: Pick<Consignee, 'address'>,
): Promise<Pick<Label, 'sortCode' | 'bagDestination'>> {
  if (address === undefined) return NONE;
  const { sortCode } = await directory.sortCode(courierId, address);
  if (sortCode === undefined) return NONE;
  const { hubCode: hub, branchCode: branch, routeCode: route, text, bagDestination } = sortCode;
  return { sortCode: { hub, branch, route, text }, bagDestination };
}

const NONE = { sortCode: undefined, bagDestination: '' };
