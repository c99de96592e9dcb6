import { OF_EVERYBODY, ofCourier, ofMerchant } from '#libs/db';
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
export function tenantOf({ kind, id }: Identity): Tenant {
  switch (kind) {
    case 'merchant':
      return { merchantId: id, courierId: null, setting: ofMerchant(id) };
    case 'courier':
      return { merchantId: null, courierId: id, setting: ofCourier(id) };
    case 'operator':
    case 'service':
      return { merchantId: null, courierId: null, setting: OF_EVERYBODY };
  }
}
