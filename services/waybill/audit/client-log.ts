import type { AuditedWaybill } from '../store/audit.ts';
import { Check } from './check.ts';
import { HashTable, hashText } from './hash.ts';

/**
 * I2 and I3, by the client's own log: every number that a caller was told is in the database, for
 * the parcel it was told for, and no parcel was ever told two numbers.
 */
export class ClientLog {
  readonly check = new Check('client-log');
  /** By parcel key; the number's hash, the line, and whether a waybill agrees. */
  readonly #told = new HashTable(4);
  readonly #merchantId: string | undefined;

  constructor(merchantId: string | undefined) {
    this.#merchantId = merchantId;
  }

  add({ line, orderRef, parcelNo, number }: ClientEntry): void {
    this.check.examinedCount += 1;
    const [a, b] = hashText(number);
    const told = this.#told.add(keyOf(orderRef, parcelNo));
    if (told[LINE] === 0) told.set([a, b, line, 0]);
    else if (told[0] !== a || told[1] !== b) {
      this.check.violate(`line ${line}: ${number}, but line ${told[LINE]} says another number`);
    }
  }

  waybill({ waybill_number, merchant_id, order_ref, parcel_no }: AuditedWaybill): void {
    if (this.#merchantId !== undefined && merchant_id !== this.#merchantId) return;
    const told = this.#told.find(keyOf(order_ref, parcel_no));
    if (told === undefined) return;
    const [a, b] = hashText(waybill_number);
    if (told[0] === a && told[1] === b) told[AGREES] = 1;
  }

  settle(): void {
    for (const { values } of this.#told) {
      if (values[AGREES] === 0) this.check.violate(`line ${values[LINE]}: not in the database`);
    }
  }
}

/** Keys that differ in case alone are one key. */
function keyOf(orderRef: string, parcelNo: number) {
  return hashText(`${orderRef.toLowerCase()} ${parcelNo}`);
}

const LINE = 2;
const AGREES = 3;

/** What a client was told; `line` from 1 on, to find it again. */
export type ClientEntry = { line: number; orderRef: string; parcelNo: number; number: string };
