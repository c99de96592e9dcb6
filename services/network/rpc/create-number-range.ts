import type { CreateNumberRangeRequest } from '#proto/queqiao/network/v1/network_service';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { sameContents } from '../field.ts';
import { numberRangeToMessage, parseNewNumberRange } from '../number-range.ts';
import { insertNumberRange, lockNumberRanges, selectNumberRange } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function createNumberRange(
  deps: Deps,
  request: CreateNumberRangeRequest,
): Promise<{ numberRange: NumberRange }> {
  const draft = parseNewNumberRange(request.numberRange);
  const id = draft.range_id;
  const row = await change(deps, async (tx) => {
    await lockNumberRanges(tx);
    const created = await insertNumberRange(tx, draft, deps.now());
    if (created !== undefined) {
      await announce(tx, {
        kind: 'number_range',
        id,
        version: created.version,
        courierId: draft.courier_id,
      });
      return created;
    }
    return sameContents({ id, draft }, await selectNumberRange(tx, id, EVERYONE));
  });
  return { numberRange: numberRangeToMessage(row) };
}
