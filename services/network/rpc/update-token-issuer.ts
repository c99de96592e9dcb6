import { RpcError } from '#libs/errors';
import type { UpdateTokenIssuerRequest } from '#proto/queqiao/network/v1/network_service';
import type { TokenIssuer } from '#proto/queqiao/network/v1/token_issuer';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { replaceTokenIssuer, selectTokenIssuer } from '../store.ts';
import { parseTokenIssuer, TOKEN_ISSUER_FIXED, tokenIssuerToMessage } from '../token-issuer.ts';
import { EVERYONE } from '../viewer.ts';

export async function updateTokenIssuer(
  deps: Deps,
  request: UpdateTokenIssuerRequest,
): Promise<{ tokenIssuer: TokenIssuer }> {
  const draft = parseTokenIssuer(request.tokenIssuer);
  const etag = parseEtag('token_issuer', request.tokenIssuer);
  const id = draft.token_issuer_id;
  const row = await change(deps, async (tx) => {
    const current = await selectTokenIssuer(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('TOKEN_ISSUER_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    mustKeep('token_issuer', { draft, row: current, columns: TOKEN_ISSUER_FIXED });
    const { version } = current;
    const updated = await replaceTokenIssuer(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    await announce(tx, { kind: 'token_issuer', id, version: updated.version });
    return updated;
  });
  return { tokenIssuer: tokenIssuerToMessage(row) };
}
