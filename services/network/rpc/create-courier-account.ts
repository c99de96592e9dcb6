import type { Tx } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import type { CreateCourierAccountRequest } from '#proto/queqiao/network/v1/network_service';
import {
  type CourierAccountDraft,
  courierAccountToMessage,
  parseNewCourierAccount,
} from '../courier-account.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { insertCourierAccount, selectCourierAccount, selectUsableNodes } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function createCourierAccount(
  deps: Deps,
  request: CreateCourierAccountRequest,
): Promise<{ courierAccount: CourierAccount }> {
  const draft = parseNewCourierAccount(request.courierAccount);
  const { account_id: id, courier_id: courierId, merchant_id: merchantId } = draft;
  const row = await change(deps, async (tx) => {
    const created = await insertCourierAccount(tx, draft, deps.now());
    if (created !== undefined) {
      await mustBeUsable(tx, draft);
      const { version } = created;
      await announce(tx, { kind: 'courier_account', id, version, courierId, merchantId });
      return created;
    }
    return sameContents({ id, draft }, await selectCourierAccount(tx, id, EVERYONE));
  });
  return { courierAccount: courierAccountToMessage(row) };
}

/** NODE_NOT_FOUND unless every node is one that the merchant may use. */
export async function mustBeUsable(tx: Tx, draft: CourierAccountDraft): Promise<void> {
  if (draft.node_ids.length === 0) return;
  const usable = await selectUsableNodes(tx, draft.merchant_id, draft.node_ids);
  const index = draft.node_ids.findIndex((nodeId) => !usable.has(nodeId));
  if (index < 0) return;
  const id = draft.node_ids[index] ?? '';
  throw new RpcError('NODE_NOT_FOUND', {
    field: `courier_account.node_ids[${index}]`,
    metadata: { id },
  });
}
