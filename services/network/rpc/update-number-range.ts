import { RpcError } from '#libs/errors';
import type { UpdateNumberRangeRequest } from '#proto/queqiao/network/v1/network_service';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { Deps } from '../deps.ts';
import { announce, change } from '../events.ts';
import { mustKeep } from '../field.ts';
import { mustHaveEtag, parseEtag } from '../message.ts';
import {
  mustGrow,
  NUMBER_RANGE_FIXED,
  numberRangeToMessage,
  parseNumberRange,
} from '../number-range.ts';
import { lockNumberRanges, replaceNumberRange, selectNumberRange } from '../store.ts';
import { EVERYONE } from '../viewer.ts';

export async function updateNumberRange(
  deps: Deps,
  request: UpdateNumberRangeRequest,
): Promise<{ numberRange: NumberRange }> {
  const draft = parseNumberRange(request.numberRange);
  const etag = parseEtag('number_range', request.numberRange);
  const id = draft.range_id;
  const row = await change(deps, async (tx) => {
    await lockNumberRanges(tx);
    const current = await selectNumberRange(tx, id, EVERYONE);
    if (current === undefined) throw new RpcError('NUMBER_RANGE_NOT_FOUND', { metadata: { id } });
    mustHaveEtag(etag, id, current);
    mustKeep('number_range', { draft, row: current, columns: NUMBER_RANGE_FIXED });
    mustGrow(draft, current);
    const { version } = current;
    const updated = await replaceNumberRange(tx, draft, { version, updateTime: deps.now() });
    // Another update came between the two statements.
    if (updated === undefined) throw new RpcError('CONFLICT');
    await announce(tx, {
      kind: 'number_range',
      id,
      version: updated.version,
      courierId: updated.courier_id,
    });
    return updated;
  });
  return { numberRange: numberRangeToMessage(row) };
}
