import { create } from '@bufbuild/protobuf';
import { addressText, divisionCode, type ParsedAddress, parseAddress } from '#libs/address';
import type { Directory, SortPlace } from '#libs/directory';
import { RpcError, toRpcError } from '#libs/errors';
import { cellOf } from '#libs/geo';
import type { Label } from '#libs/label';
import {
  type SortCodeResult,
  SortCodeResult_Gap,
  SortCodeResultSchema,
} from '#proto/queqiao/network/v1/sort_table';
import type { Address } from '#proto/queqiao/type/v1/address';
import { learnedPointsOf, type PointDeps } from './address-point.ts';

/**
 * By which code the courier sorts each of these parcels, and where bags for it are opened (集包地),
 * looked up when the label is printed: issuing takes no time for it, and a reprint says what holds
 * now. Of the address the network service is told the division, and the cell of the house if
 * deliveries have taught it. What is not certain stays empty, for a code that was guessed would
 * send parcels astray.
 */
export async function sortingsOf(
  deps: SortingDeps,
  parcels: readonly ToSort[],
): Promise<(Sorting | RpcError)[]> {
  // Whole, so that a detail that contradicts the region is noticed.
  const addresses = parcels.map(({ address }) =>
    parseAddress(address === undefined ? '' : addressText(address)),
  );
  const results = await Promise.all(
    parcels.map(({ courierId }, i) => {
      const code = divisionCode(addresses[i] as ParsedAddress);
      if (code === '') return UNKNOWN;
      return lookUp(deps, courierId, { divisionCode: code });
    }),
  );
  await refine(deps, { parcels, addresses, results });
  return results.map((each) => (each instanceof RpcError ? each : toSorting(each)));
}

/** Asks again with the cell of the house where that could tell more. */
async function refine(deps: SortingDeps, { parcels, addresses, results }: Sought): Promise<void> {
  const open = [...results.keys()].filter((i) => {
    const result = results[i];
    return result !== undefined && !(result instanceof RpcError) && result.isRefinable;
  });
  if (open.length === 0) return;
  const points = await learnedPointsOf(
    deps,
    open.map((i) => addresses[i] as ParsedAddress),
  );
  await Promise.all(
    open.map(async (i, at) => {
      const point = points[at];
      // A road or a street may lead through many territories.
      if (point?.basis !== 'house') return;
      const place = {
        divisionCode: divisionCode(addresses[i] as ParsedAddress),
        cell: cellOf(point),
      };
      results[i] = await lookUp(deps, (parcels[i] as ToSort).courierId, place);
    }),
  );
}

function lookUp(
  { directory }: SortingDeps,
  courierId: string,
  place: SortPlace,
): Promise<SortCodeResult | RpcError> {
  return directory.sortCode(courierId, place).catch(toRpcError);
}

function toSorting({ sortCode }: Pick<SortCodeResult, 'sortCode'>): Sorting {
  if (sortCode === undefined) return { sortCode: undefined, bagDestination: '' };
  const { hubCode: hub, branchCode: branch, routeCode: route, text, bagDestination } = sortCode;
  return { sortCode: { hub, branch, route, text }, bagDestination };
}

const UNKNOWN = create(SortCodeResultSchema, { gap: SortCodeResult_Gap.PLACE_UNKNOWN });

type SortingDeps = PointDeps & { directory: Pick<Directory, 'sortCode'> };
export type ToSort = { readonly courierId: string; readonly address: Address | undefined };
export type Sorting = Pick<Label, 'sortCode' | 'bagDestination'>;
type Sought = {
  parcels: readonly ToSort[];
  addresses: readonly ParsedAddress[];
  results: (SortCodeResult | RpcError)[];
};
