import type { Identity } from '#libs/grpc';
import type { ApiKey } from '#proto/queqiao/network/v1/api_key';
import type { ListApiKeysRequest } from '#proto/queqiao/network/v1/network_service';
import { apiKeyToMessage } from '../api-key.ts';
import type { Deps } from '../deps.ts';
import { cutPage, parsePage } from '../page.ts';
import { selectApiKeys } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function listApiKeys(
  { pool }: Deps,
  request: ListApiKeysRequest,
  identity: Identity,
): Promise<{ apiKeys: ApiKey[]; nextPageToken: string }> {
  const viewer = viewerOf(identity);
  const page = parsePage(request, { list: 'apiKeys', viewer });
  const found = await selectApiKeys(pool, page, viewer);
  const { rows, nextPageToken } = cutPage(page, found, (row) => row.api_key_id);
  return { apiKeys: rows.map(apiKeyToMessage), nextPageToken };
}
