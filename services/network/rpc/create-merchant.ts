import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { CreateMerchantRequest } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { homeBucket, merchantToMessage, parseNewMerchant } from '../merchant.ts';
import { insertMerchant, selectMerchant } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function createMerchant(
  deps: Deps,
  request: CreateMerchantRequest,
): Promise<{ merchant: Merchant }> {
  const draft = parseNewMerchant(request.merchant);
  const id = draft.merchant_id;
  const row = await change(deps, async (tx) => {
    const created = await insertMerchant(tx, { ...draft, home_bucket: homeBucket(id) }, deps.now());
    if (created !== undefined) {
      await announce(tx, { kind: 'merchant', id, version: created.version });
      return created;
    }
    return sameContents({ id, draft }, await selectMerchant(tx, id, EVERYONE));
  });
  return { merchant: merchantToMessage(row) };
}
