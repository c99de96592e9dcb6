import type { Identity } from '#libs/grpc';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { ListMerchantsRequest } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from '../deps.ts';
import { merchantToMessage } from '../merchant.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectMerchants } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function listMerchants(
  { pool }: Deps,
  request: ListMerchantsRequest,
  identity: Identity,
): Promise<{ merchants: Merchant[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const page = parsePage(request, { list: 'merchants', viewer });
  const found = await selectMerchants(pool, page, viewer);
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.merchant_id);
  return { merchants: rows.map(merchantToMessage), nextPageToken };
}
