import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { GetNumberRangeRequest } from '#proto/queqiao/network/v1/network_service';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { numberRangeToMessage } from '../number-range.ts';
import { selectNumberRange } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getNumberRange(
  { pool }: Deps,
  request: GetNumberRangeRequest,
  identity: Identity,
): Promise<{ numberRange: NumberRange }> {
  const id = slug('range_id', request.rangeId);
  const row = await selectNumberRange(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('NUMBER_RANGE_NOT_FOUND', { metadata: { id } });
  return { numberRange: numberRangeToMessage(row) };
}
