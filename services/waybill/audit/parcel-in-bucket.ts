import { bucketOf } from '../bucket.ts';
import type { AuditedWaybill } from '../store/audit.ts';
import { Check } from './check.ts';
import type { Network } from './network.ts';

/**
 * I3: every waybill lies in the bucket to which its merchant and order lead. Elsewhere it would not
 * be found by its key, and the next request for the parcel would draw a second number.
 */
export class ParcelInBucket {
  readonly check = new Check('parcel-in-bucket');
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  examine({ waybill_number, merchant_id, order_ref, bucket }: AuditedWaybill): void {
    const merchant = this.#network.merchants.get(merchant_id);
    const wanted = merchant && bucketOf(merchant, { orderRef: order_ref });
    const place = wanted === undefined ? `no merchant ${merchant_id}` : `not bucket ${wanted}`;
    this.check.examine(wanted === bucket ? undefined : `${waybill_number} in ${bucket}, ${place}`);
  }
}
