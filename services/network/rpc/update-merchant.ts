import { RpcError } from '#libs/errors';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { UpdateMerchantRequest } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { MERCHANT_FIXED, merchantToMessage, parseMerchant } from '../merchant.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { replaceMerchant, selectMerchant } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function updateMerchant(
  deps: Deps,
  request: UpdateMerchantRequest,
): Promise<{ merchant: Merchant }> {
  const draft = parseMerchant(request.merchant);
  const etag = parseEtag('merchant', request.merchant);
  const id = draft.merchant_id;
  const row = await change(deps, async (tx) => {
    const current = await selectMerchant(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('MERCHANT_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    mustKeep('merchant', { draft, row: current, columns: MERCHANT_FIXED });
    const { version } = current;
    const updated = await replaceMerchant(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    await announce(tx, { kind: 'merchant', id, version: updated.version });
    return updated;
  });
  return { merchant: merchantToMessage(row) };
}
