import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { AuditedWaybill } from '../store/audit.ts';
import { Check } from './check.ts';
import type { Network } from './network.ts';
import { holdsSerial, serialOf } from './range.ts';

/**
 * I4: every number is of a range that the network gave to its courier, for all merchants or for its
 * own. Goes by the ranges alone, so that it holds also where leases are wrong.
 */
export class NumberInRange {
  readonly check = new Check('number-in-range');
  readonly #ofCourier = new Map<string, NumberRange[]>();

  constructor({ ranges }: Network) {
    for (const range of ranges.values()) {
      const known = this.#ofCourier.get(range.courierId);
      if (known === undefined) this.#ofCourier.set(range.courierId, [range]);
      else known.push(range);
    }
  }

  /** Answers the range that the number is of. */
  examine(waybill: AuditedWaybill): NumberRange | undefined {
    const { waybill_number, courier_id, merchant_id } = waybill;
    const range = this.#ofCourier.get(courier_id)?.find((candidate) => {
      const serial = serialOf(candidate, waybill_number);
      return serial !== undefined && holdsSerial(candidate, serial);
    });
    const isAllowed =
      range !== undefined && (range.merchantId === '' || range.merchantId === merchant_id);
    this.check.examine(isAllowed ? undefined : `${waybill_number} of courier ${courier_id}`);
    return range;
  }
}
