import type { Identity } from '#libs/grpc';
import type { ListTokenIssuersRequest } from '#proto/queqiao/network/v1/network_service';
import type { TokenIssuer } from '#proto/queqiao/network/v1/token_issuer';
import type { Deps } from '../deps.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectTokenIssuers } from '../store.ts';
import { tokenIssuerToMessage } from '../token-issuer.ts';
import { viewerOf } from '../viewer.ts';

export async function listTokenIssuers(
  { pool }: Deps,
  request: ListTokenIssuersRequest,
  identity: Identity,
): Promise<{ tokenIssuers: TokenIssuer[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const page = parsePage(request, { list: 'tokenIssuers', viewer });
  const found = await selectTokenIssuers(pool, page, viewer);
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.token_issuer_id);
  return { tokenIssuers: rows.map(tokenIssuerToMessage), nextPageToken };
}
