import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { GetTokenIssuerRequest } from '#proto/queqiao/network/v1/network_service';
import type { TokenIssuer } from '#proto/queqiao/network/v1/token_issuer';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { selectTokenIssuer } from '../store.ts';
import { tokenIssuerToMessage } from '../token-issuer.ts';
import { viewerOf } from '../viewer.ts';

export async function getTokenIssuer(
  { pool }: Deps,
  request: GetTokenIssuerRequest,
  identity: Identity,
): Promise<{ tokenIssuer: TokenIssuer }> {
  const id = slug('token_issuer_id', request.tokenIssuerId);
  const row = await selectTokenIssuer(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('TOKEN_ISSUER_NOT_FOUND', { metadata: { id } });
  return { tokenIssuer: tokenIssuerToMessage(row) };
}
