import type { Client } from '#libs/grpc';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';

/** What the network service says of ranges and merchants; the auditor reads nobody's tables. */
export async function askNetwork(network: NetworkReader): Promise<Network> {
  const ranges = new Map<string, NumberRange>();
  const merchants = new Map<string, Merchant>();
  for (let pageToken = ''; ; ) {
    const page = await network.listNumberRanges({ pageSize: PAGE_SIZE, pageToken });
    for (const range of page.numberRanges) ranges.set(range.rangeId, range);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  for (let pageToken = ''; ; ) {
    const page = await network.listMerchants({ pageSize: PAGE_SIZE, pageToken });
    for (const merchant of page.merchants) merchants.set(merchant.merchantId, merchant);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  return { ranges, merchants };
}

const PAGE_SIZE = 1_000;

export type NetworkReader = Pick<
  Client<typeof NetworkService>,
  'listNumberRanges' | 'listMerchants'
>;

export type Network = {
  ranges: ReadonlyMap<string, NumberRange>;
  merchants: ReadonlyMap<string, Merchant>;
};
