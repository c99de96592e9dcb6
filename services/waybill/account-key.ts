import { invalid, RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import type { Deps } from './deps.ts';
import { mustBeSlug } from './field.ts';

/** The id that a call is about: the caller's own where it is of that kind, else the one named. */
export function ownOrNamed(identity: Identity, kind: 'merchant' | 'courier', id: string): string {
  const field = `${kind}_id`;
  if (identity.kind === kind) {
    if (id !== '' && id !== identity.id) throw new RpcError('TENANT_FOREIGN', { field });
    return identity.id;
  }
  if (id === '') throw invalid(field, 'REQUIRED');
  mustBeSlug(field, id);
  return id;
}

/** As ownOrNamed, for a filter: null for none. */
export function ownOrFilter(
  identity: Identity,
  kind: 'merchant' | 'courier',
  id: string,
): string | null {
  return id === '' && identity.kind !== kind ? null : ownOrNamed(identity, kind, id);
}

/** An account that the caller may see; ACCOUNT_NOT_FOUND if there is none. */
export async function findAccount(
  { directory }: Pick<Deps, 'directory'>,
  identity: Identity,
  { merchantId, accountId }: { merchantId: string; accountId: string },
): Promise<CourierAccount> {
  const accounts = await directory.courierAccounts(ownOrNamed(identity, 'merchant', merchantId));
  const account = accounts.find((each) => each.accountId === accountId);
  if (account === undefined || (identity.kind === 'courier' && account.courierId !== identity.id)) {
    const metadata = { id: accountId };
    throw new RpcError('ACCOUNT_NOT_FOUND', { field: 'account_id', metadata });
  }
  return account;
}
