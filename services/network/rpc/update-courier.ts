import { RpcError } from '#libs/errors';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { UpdateCourierRequest } from '#proto/queqiao/network/v1/network_service';
import { courierToMessage, parseCourier } from '../courier.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import { replaceCourier, selectCourier } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function updateCourier(
  deps: Deps,
  request: UpdateCourierRequest,
): Promise<{ courier: Courier }> {
  const draft = parseCourier(request.courier);
  const etag = parseEtag('courier', request.courier);
  const id = draft.courier_id;
  const row = await change(deps, async (tx) => {
    const current = await selectCourier(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('COURIER_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    const { version } = current;
    const updated = await replaceCourier(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    await announce(tx, { kind: 'courier', id, version: updated.version });
    return updated;
  });
  return { courier: courierToMessage(row) };
}
