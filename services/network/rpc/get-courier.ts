import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { GetCourierRequest } from '#proto/queqiao/network/v1/network_service';
import { courierToMessage } from '../courier.ts';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { selectCourier } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getCourier(
  { pool }: Deps,
  request: GetCourierRequest,
  identity: Identity,
): Promise<{ courier: Courier }> {
  const id = slug('courier_id', request.courierId);
  const row = await selectCourier(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('COURIER_NOT_FOUND', { metadata: { id } });
  return { courier: courierToMessage(row) };
}
