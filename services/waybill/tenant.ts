import { invalid, RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { Tenant } from './store/waybill.ts';

/** The merchant that a call works for: the caller itself, or whom an operator names. */
export function merchantOf(identity: Identity, merchantId: string): string {
  if (identity.kind === 'merchant') {
    if (merchantId !== '' && merchantId !== identity.id) {
      throw new RpcError('TENANT_FOREIGN', { field: 'merchant_id' });
    }
    return identity.id;
  }
  if (identity.kind === 'courier') throw new RpcError('TENANT_FOREIGN', { field: 'merchant_id' });
  if (merchantId === '') throw invalid('merchant_id', 'REQUIRED');
  return merchantId;
}

/** Whose waybills a caller may see by number: a merchant and a courier their own. */
export function tenantOf(identity: Identity): Tenant {
  return {
    merchantId: identity.kind === 'merchant' ? identity.id : null,
    courierId: identity.kind === 'courier' ? identity.id : null,
  };
}
