import { RpcError } from '#libs/errors';
import type { CreateTokenIssuerRequest } from '#proto/queqiao/network/v1/network_service';
import type { TokenIssuer } from '#proto/queqiao/network/v1/token_issuer';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { insertTokenIssuer, selectTokenIssuer } from '../store.ts';
import { parseNewTokenIssuer, tokenIssuerToMessage } from '../token-issuer.ts';
import { EVERYONE } from '../viewer.ts';

export async function createTokenIssuer(
  deps: Deps,
  request: CreateTokenIssuerRequest,
): Promise<{ tokenIssuer: TokenIssuer }> {
  const draft = parseNewTokenIssuer(request.tokenIssuer);
  const id = draft.token_issuer_id;
  const row = await change(deps, async (tx) => {
    const created = await insertTokenIssuer(tx, draft, deps.now());
    if (created !== undefined) {
      await announce(tx, { kind: 'token_issuer', id, version: created.version });
      return created;
    }
    const known = await selectTokenIssuer(tx, id, EVERYONE);
    if (known !== undefined) return sameContents({ id, draft }, known);
    const { issuer } = draft;
    throw new RpcError('ISSUER_TAKEN', { field: 'token_issuer.issuer', metadata: { issuer } });
  });
  return { tokenIssuer: tokenIssuerToMessage(row) };
}
