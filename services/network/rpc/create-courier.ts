import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { CreateCourierRequest } from '#proto/queqiao/network/v1/network_service';
import { courierToMessage, parseNewCourier } from '../courier.ts';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { insertCourier, selectCourier } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function createCourier(
  deps: Deps,
  request: CreateCourierRequest,
): Promise<{ courier: Courier }> {
  const draft = parseNewCourier(request.courier);
  const id = draft.courier_id;
  const row = await change(deps, async (tx) => {
    const created = await insertCourier(tx, draft, deps.now());
    if (created !== undefined) {
      await announce(tx, { kind: 'courier', id, version: created.version });
      return created;
    }
    return sameContents({ id, draft }, await selectCourier(tx, id, EVERYONE));
  });
  return { courier: courierToMessage(row) };
}
