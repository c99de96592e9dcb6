import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import type { GetCourierAccountRequest } from '#proto/queqiao/network/v1/network_service';
import { courierAccountToMessage } from '../courier-account.ts';
import type { Deps } from '../deps.ts';
import { slug } from '../field.ts';
import { selectCourierAccount } from '../store.ts';
import { viewerOf } from '../viewer.ts';

export async function getCourierAccount(
  { pool }: Deps,
  request: GetCourierAccountRequest,
  identity: Identity,
): Promise<{ courierAccount: CourierAccount }> {
  const id = slug('account_id', request.accountId);
  const row = await selectCourierAccount(pool, id, viewerOf(identity));
  if (row === undefined) throw new RpcError('ACCOUNT_NOT_FOUND', { metadata: { id } });
  return { courierAccount: courierAccountToMessage(row) };
}
