import { OF_EVERYBODY, ofCourier, ofMerchant, type TenantSetting } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';

/**
 * Who reads, as every select of this service takes it: 'all' sees everything, a merchant or a
 * courier what its own id opens. `setting` says the same to the row-level security behind it.
 */
export type Viewer = {
  kind: 'all' | 'merchant' | 'courier';
  id: string;
  setting: TenantSetting;
};

export function viewerOf({ kind, id }: Pick<Identity, 'kind' | 'id'>): Viewer {
  switch (kind) {
    case 'operator':
    case 'service':
      return EVERYONE;
    case 'merchant':
    case 'courier':
      // An empty id must not open what belongs to nobody.
      if (id === '') throw new RpcError('API_KEY_INVALID');
      return { kind, id, setting: kind === 'merchant' ? ofMerchant(id) : ofCourier(id) };
  }
}

/** Reads that follow a write: the writer's right to write was checked at the door. */
export const EVERYONE: Viewer = { kind: 'all', id: '', setting: OF_EVERYBODY };

/** Refuses a filter by which a merchant or courier names another one of its own kind. */
export function mustBeOwn(field: 'merchant_id' | 'courier_id', id: string, viewer: Viewer): void {
  if (id !== '' && `${viewer.kind}_id` === field && viewer.id !== id) {
    throw new RpcError('TENANT_FOREIGN', { field, metadata: { field } });
  }
}
