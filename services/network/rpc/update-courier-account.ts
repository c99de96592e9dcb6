import { RpcError } from '#libs/errors';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import type { UpdateCourierAccountRequest } from '#proto/queqiao/network/v1/network_service';
import {
  COURIER_ACCOUNT_FIXED,
  courierAccountToMessage,
  parseCourierAccount,
} from '../courier-account.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { replaceCourierAccount, selectCourierAccount } from '../store.ts';
import { EVERYONE } from '../viewer.ts';
import { mustBeUsable } from './create-courier-account.ts';

export async function updateCourierAccount(
  deps: Deps,
  request: UpdateCourierAccountRequest,
): Promise<{ courierAccount: CourierAccount }> {
  const draft = parseCourierAccount(request.courierAccount);
  const etag = parseEtag('courier_account', request.courierAccount);
  const { account_id: id, courier_id: courierId, merchant_id: merchantId } = draft;
  const row = await change(deps, async (tx) => {
    const current = await selectCourierAccount(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('ACCOUNT_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    mustKeep('courier_account', { draft, row: current, columns: COURIER_ACCOUNT_FIXED });
    await mustBeUsable(tx, draft);
    const { version } = current;
    const updated = await replaceCourierAccount(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    const after = { id, version: updated.version, courierId, merchantId };
    await announce(tx, { kind: 'courier_account', ...after });
    return updated;
  });
  return { courierAccount: courierAccountToMessage(row) };
}
