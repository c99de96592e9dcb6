import { fromBinary } from '@bufbuild/protobuf';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { parseSubject } from '#libs/bus';
import { WaybillCancelledSchema, WaybillsIssuedSchema } from '#proto/queqiao/waybill/v1/event';
import type { AuditedEvent, AuditedWaybill } from '../store/audit.ts';
import { Check, type CheckName } from './check.ts';
import { Ledger } from './ledger.ts';

/**
 * I12 and I5, of the events: what the waybills tell and what the events tell is the same, waybill
 * by waybill. Both are summed up by minute, each waybill on both sides; a minute that differs is
 * looked at again, thing by thing.
 */
export class Announcements {
  readonly #sinceMinute: number;
  readonly #books = {
    issued: { check: new Check('issued-announced'), ledger: new Ledger() },
    cancelled: { check: new Check('cancelled-final'), ledger: new Ledger() },
  };

  constructor(since: Date) {
    this.#sinceMinute = Math.ceil(since.getTime() / 60_000);
  }

  get checks(): Check[] {
    return [this.#books.issued.check, this.#books.cancelled.check];
  }

  waybill(row: AuditedWaybill): void {
    for (const { kind, minute, thing } of toldByWaybill(row)) {
      if (minute < this.#sinceMinute) continue;
      this.#books[kind].check.examinedCount += 1;
      this.#books[kind].ledger.add(1, minute, thing);
    }
  }

  event(event: AuditedEvent): void {
    for (const { kind, minute, thing } of toldByEvent(event)) {
      if (minute >= this.#sinceMinute) this.#books[kind].ledger.add(-1, minute, thing);
    }
  }

  /** Finds out what differs; `read` gives the same waybills and events once more. */
  async settle(read: SecondLook): Promise<void> {
    for (const [kind, { check, ledger }] of Object.entries(this.#books)) {
      const differing = ledger.differing();
      if (differing.length === 0) continue;
      // The first minutes are enough for examples, and bound what is held in memory.
      const minutes = new Set(differing.slice(0, MINUTES_MAX));
      const surplus = await surplusOf(kind as Kind, minutes, read);
      for (const [thing, count] of surplus) {
        if (count !== 0) check.violate(inWords(check.name, thing, count));
      }
      for (const minute of differing.slice(MINUTES_MAX)) {
        check.violate(`minute ${new Date(minute * 60_000).toISOString()}`);
      }
    }
  }
}

/** How often waybills name a thing more than events do. */
async function surplusOf(
  kind: Kind,
  minutes: Set<number>,
  { waybills, events }: SecondLook,
): Promise<Map<string, number>> {
  const surplus = new Map<string, number>();
  const count = (told: Told[], step: number) => {
    for (const each of told) {
      if (each.kind !== kind || !minutes.has(each.minute)) continue;
      // With its minute: what moved from one minute to another differs in both.
      const entry = `${each.thing} ${each.minute}`;
      surplus.set(entry, (surplus.get(entry) ?? 0) + step);
    }
  };
  for await (const page of waybills([...minutes])) {
    for (const row of page) count(toldByWaybill(row), 1);
  }
  for await (const page of events()) {
    for (const event of page) count(toldByEvent(event), -1);
  }
  return surplus;
}

function inWords(check: CheckName, thing: string, surplus: number): string {
  const [number] = thing.split(' ');
  const what = check === 'issued-announced' ? 'issued' : 'cancelled';
  if (surplus > 0) return `${number} is ${what} and in no event`;
  return `${number}: an event says ${what} ${-surplus === 1 ? '' : `${-surplus} times `}too often`;
}

/** A number with the parcel and the courier that it belongs to, on both sides alike. */
function toldByWaybill(row: AuditedWaybill): Told[] {
  const thing = nameOf(row.waybill_number, row.merchant_id, row.order_ref, row.parcel_no);
  const told: Told[] = [
    { kind: 'issued', minute: row.issue_minute, thing: `${thing} ${row.courier_id}` },
  ];
  if (row.state === 'cancelled' || row.cancel_minute !== null) {
    const minute = row.cancel_minute ?? row.issue_minute;
    told.push({ kind: 'cancelled', minute, thing: `${thing} ${row.courier_id} ${row.state}` });
  }
  return told;
}

function toldByEvent({ type, subject, payload }: AuditedEvent): Told[] {
  const courierId = parseSubject(subject)?.key ?? '';
  if (type === WaybillsIssuedSchema.typeName) {
    return fromBinary(WaybillsIssuedSchema, payload).parcels.map((parcel) => {
      const { waybillNumber, merchantId, orderRef, parcelNo, issueTime } = parcel;
      const thing = nameOf(waybillNumber, merchantId, orderRef, parcelNo);
      return { kind: 'issued', minute: minuteOf(issueTime), thing: `${thing} ${courierId}` };
    });
  }
  if (type === WaybillCancelledSchema.typeName) {
    const event = fromBinary(WaybillCancelledSchema, payload);
    const { waybillNumber, merchantId, orderRef, parcelNo, cancelTime } = event;
    const thing = nameOf(waybillNumber, merchantId, orderRef, parcelNo);
    const minute = minuteOf(cancelTime);
    return [{ kind: 'cancelled', minute, thing: `${thing} ${courierId} cancelled` }];
  }
  return [];
}

function nameOf(number: string, merchantId: string, orderRef: string, parcelNo: number): string {
  return `${number} ${merchantId} ${orderRef} ${parcelNo}`;
}

function minuteOf(time: Timestamp | undefined): number {
  return Math.floor(Number(time?.seconds ?? 0n) / 60);
}

const MINUTES_MAX = 3;

type Kind = 'issued' | 'cancelled';
type Told = { kind: Kind; minute: number; thing: string };

export type SecondLook = {
  waybills(minutes: number[]): AsyncIterable<AuditedWaybill[]>;
  events(): AsyncIterable<AuditedEvent[]>;
};
