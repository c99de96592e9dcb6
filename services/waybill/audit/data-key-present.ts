import type { AuditedWaybill } from '../store/audit.ts';
import { Check } from './check.ts';

/** I2: what was stored can be read again: every waybill names a data key of its merchant. */
export class DataKeyPresent {
  readonly check = new Check('data-key-present');
  readonly #owners: ReadonlyMap<string, string>;

  constructor(rows: { data_key_id: string; merchant_id: string }[]) {
    this.#owners = new Map(rows.map((row) => [row.data_key_id, row.merchant_id]));
  }

  examine({ waybill_number, merchant_id, data_key_id }: AuditedWaybill): void {
    const owner = this.#owners.get(data_key_id);
    const is = owner === undefined ? 'gone' : `of ${owner}`;
    const fault = `${waybill_number}: data key ${data_key_id} is ${is}`;
    this.check.examine(owner === merchant_id ? undefined : fault);
  }
}
