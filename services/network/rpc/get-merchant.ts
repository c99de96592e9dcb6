import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { GetMerchantRequest } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { merchantToMessage } from '../merchant.ts';
import { selectMerchant } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getMerchant(
  { pool }: Deps,
  request: GetMerchantRequest,
  identity: Identity,
): Promise<{ merchant: Merchant }> {
  const id = slug('merchant_id', request.merchantId);
  const row = await selectMerchant(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('MERCHANT_NOT_FOUND', { metadata: { id } });
  return { merchant: merchantToMessage(row) };
}
