import { addressText, divisionCode, parseAddress } from '#libs/address';
import type { Directory } from '#libs/directory';
import { type RpcError, toRpcError } from '#libs/errors';
import type { Label } from '#libs/label';
import type { SortCodeResult } from '#proto/queqiao/network/v1/sort_table';
import type { Address } from '#proto/queqiao/type/v1/address';

/**
 * By which code the courier sorts each of these parcels, and where bags for it are opened (集包地),
 * looked up when the label is printed: issuing takes no time for it, and a reprint says what holds
 * now. Of the address the network service is told the division alone. What is not certain stays
 * empty, for a code that was guessed would send parcels astray.
 */
export async function sortingsOf(
  directory: Pick<Directory, 'sortCode'>,
  parcels: readonly ToSort[],
): Promise<(Sorting | RpcError)[]> {
  return await Promise.all(
    parcels.map(({ courierId, address }) => {
      // Whole, so that a detail that contradicts the region is noticed.
      const code = address && divisionCode(parseAddress(addressText(address)));
      if (code === undefined || code === '') return UNKNOWN;
      return directory.sortCode(courierId, { divisionCode: code }).then(toSorting, toRpcError);
    }),
  );
}

function toSorting({ sortCode }: SortCodeResult): Sorting {
  if (sortCode === undefined) return UNKNOWN;
  const { hubCode: hub, branchCode: branch, routeCode: route, text, bagDestination } = sortCode;
  return { sortCode: { hub, branch, route, text }, bagDestination };
}

const UNKNOWN: Sorting = { sortCode: undefined, bagDestination: '' };

export type ToSort = { readonly courierId: string; readonly address: Address | undefined };
export type Sorting = Pick<Label, 'sortCode' | 'bagDestination'>;
