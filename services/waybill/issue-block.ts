import { toBinary } from '@bufbuild/protobuf';
import { ByteWriter } from '#libs/bytes';
import { ArrayBuilder } from '#libs/db';
import { maskedConsignee, maskName, maskPhone, normalizePhone, seal } from '#libs/privacy';
import { ConsigneeSchema, MaskedConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { SealingKey } from './data-keys.ts';
import { ISSUED_PER_EVENT, issuedEventPart, writeIssuedPart } from './events.ts';
import { toBody } from './message.ts';
import type { ParcelDraft } from './parcel.ts';
import { ScannedParcel } from './parcel-scan.ts';
import { sealedSender } from './sealed.ts';
import type { State } from './state.ts';
import type { AccountTerms } from './store/account.ts';

/** Parcels of one call that have all but themselves in common, each with its number. */
export type Draw = {
  merchantId: string;
  bucket: number;
  courierId: string;
  serviceCode: string;
  nodeId: string;
  accountId: string;
  /** The terms of the account, if it is prepaid. */
  prepaid: AccountTerms | null;
  state: State;
  dataKey: SealingKey;
  issueTime: Date;
  eventSubject: string;
  parcels: { draft: ParcelDraft; number: string }[];
};

/**
 * The parameters of one insert of many waybills, and the events that announce them, written
 * straight as bytes: what draws have in common once for each draw, the rest row by row. Kept and
 * cleared from one insert to the next.
 */
export class IssueBlock {
  readonly #rows = {
    draw: new ArrayBuilder('int2'),
    waybillNumber: new ArrayBuilder('text'),
    orderRef: new ArrayBuilder('text'),
    parcelNo: new ArrayBuilder('int2'),
    parcelCount: new ArrayBuilder('int2'),
    outwardNumber: new ArrayBuilder('text'),
    phoneIndex: new ArrayBuilder('int8'),
    body: new ArrayBuilder('bytea'),
    masked: new ArrayBuilder('bytea'),
    sealed: new ArrayBuilder('bytea'),
    senderMasked: new ArrayBuilder('bytea', 64),
    senderSealed: new ArrayBuilder('bytea', 64),
  };
  readonly #draws = {
    draw: new ArrayBuilder('int2'),
    bucket: new ArrayBuilder('int2'),
    merchantId: new ArrayBuilder('text'),
    courierId: new ArrayBuilder('text'),
    serviceCode: new ArrayBuilder('text'),
    nodeId: new ArrayBuilder('text'),
    accountId: new ArrayBuilder('text'),
    state: new ArrayBuilder('text'),
    issueTime: new ArrayBuilder('timestamptz'),
    dataKeyId: new ArrayBuilder('int8'),
    eventSubject: new ArrayBuilder('text'),
    parcelCount: new ArrayBuilder('int2'),
  };
  /** For whom the insert works. */
  readonly merchantIds = new Set<string>();
  #events: IssuedEvent[] = [];
  readonly #spare: ByteWriter[] = [];
  /** Of each row, in turn: its event, and where its part of the event begins and ends. */
  #parts: number[] = [];

  get rowCount(): number {
    return this.#rows.draw.count;
  }

  clear(): void {
    for (const builder of Object.values(this.#rows)) builder.clear();
    for (const builder of Object.values(this.#draws)) builder.clear();
    for (const { payload } of this.#events) this.#spare.push(payload);
    this.merchantIds.clear();
    this.#events = [];
    this.#parts = [];
  }

  add(draw: Draw): void {
    const draws = this.#draws;
    const index = draws.draw.count;
    draws.draw.addInt2(index);
    draws.bucket.addInt2(draw.bucket);
    draws.merchantId.addAscii(draw.merchantId);
    this.merchantIds.add(draw.merchantId);
    draws.courierId.addAscii(draw.courierId);
    draws.serviceCode.addAscii(draw.serviceCode);
    draws.nodeId.addAscii(draw.nodeId);
    draws.accountId.addAscii(draw.accountId);
    draws.state.addAscii(draw.state);
    draws.issueTime.addTime(draw.issueTime);
    draws.dataKeyId.addInt8(draw.dataKey.dataKeyId);
    draws.eventSubject.addAscii(draw.eventSubject);
    draws.parcelCount.addInt2(draw.parcels.length);
    for (const { draft, number } of draw.parcels) {
      this.#rows.draw.addInt2(index);
      this.#addRow(draw, draft, number);
      this.#announce(draw, draft, number);
    }
  }

  /** For the insert that takes every parcel for a new one. */
  newParameters(): Buffer[] {
    const subjects = new ArrayBuilder('text');
    const payloads = new ArrayBuilder('bytea', 64);
    for (const { subject, payload } of this.#events) {
      subjects.addAscii(subject);
      payloads.addBytes(payload.buffer, 0, payload.length);
    }
    return [...this.#shared(), subjects.finish(), payloads.finish()];
  }

  /** For the insert that leaves out what is known, and so puts the events together itself. */
  mixedParameters(): Buffer[] {
    const parts = new ArrayBuilder('bytea', 64 * 1_024);
    for (let i = 0; i < this.#parts.length; i += 3) {
      const [event = 0, start = 0, end = 0] = this.#parts.slice(i, i + 3);
      const { payload } = this.#events[event] as IssuedEvent;
      parts.addBytes(payload.buffer, start, end);
    }
    return [...this.#shared(), parts.finish()];
  }

  #shared(): Buffer[] {
    const builders = [...Object.values(this.#rows), ...Object.values(this.#draws)];
    return builders.map((builder) => builder.finish());
  }

  #addRow({ dataKey }: Draw, draft: ParcelDraft, number: string): void {
    const rows = this.#rows;
    rows.waybillNumber.addAscii(number);
    rows.parcelNo.addInt2(draft.parcelNo);
    rows.parcelCount.addInt2(draft.parcelCount);
    this.#addOutward(dataKey, draft, number);
    const phone = draft instanceof ScannedParcel ? draft.phone : draft.consignee.phone;
    rows.phoneIndex.addInt8(dataKey.phoneIndexOf(normalizePhone(phone).number));
    // Bound to the number: a sealed consignee moved to another row does not open.
    const aad = Buffer.from(number, 'latin1');
    if (draft instanceof ScannedParcel) {
      const { source } = draft;
      rows.orderRef.addBytes(source, draft.orderRefStart, draft.orderRefEnd);
      rows.body.addBytes(source, draft.bodyStart, draft.bodyEnd);
      this.#addMasked(draft);
      const consignee = source.subarray(draft.consigneeStart, draft.consigneeEnd);
      rows.sealed.addBytes(seal(dataKey.key, consignee, aad));
      return;
    }
    const masked = maskedConsignee(draft.consignee);
    const consignee = toBinary(ConsigneeSchema, draft.consignee);
    rows.orderRef.addAscii(draft.orderRef);
    rows.body.addBytes(Buffer.from(toBody(draft)));
    rows.masked.addBytes(Buffer.from(toBinary(MaskedConsigneeSchema, masked)));
    rows.sealed.addBytes(seal(dataKey.key, consignee, aad));
  }

  /** What only a return has. */
  #addOutward(dataKey: SealingKey, { outwardNumber, sender }: ParcelDraft, number: string): void {
    const rows = this.#rows;
    if (outwardNumber === undefined) rows.outwardNumber.addNull();
    else rows.outwardNumber.addAscii(outwardNumber);
    if (sender === undefined) {
      rows.senderMasked.addNull();
      rows.senderSealed.addNull();
      return;
    }
    const { masked, sealed } = sealedSender(dataKey, sender, number);
    rows.senderMasked.addBytes(masked);
    rows.senderSealed.addBytes(sealed);
  }

  /** A MaskedConsignee, with the region copied from the parcel's own bytes. */
  #addMasked(draft: ScannedParcel): void {
    const { masked } = this.#rows;
    const { bytes } = masked;
    const { source } = draft;
    masked.begin();
    bytes.textField(0x0a, maskName(draft.name));
    bytes.asciiField(0x12, maskPhone(draft.phone));
    bytes.bytesField(0x1a, source, draft.provinceStart, draft.provinceEnd);
    bytes.bytesField(0x22, source, draft.cityStart, draft.cityEnd);
    bytes.bytesField(0x2a, source, draft.districtStart, draft.districtEnd);
    masked.end();
  }

  #announce(draw: Draw, draft: ParcelDraft, number: string): void {
    let index = this.#events.findLastIndex(({ subject }) => subject === draw.eventSubject);
    if (index < 0 || (this.#events[index] as IssuedEvent).count === ISSUED_PER_EVENT) {
      const payload = this.#spare.pop() ?? new ByteWriter(4_096);
      payload.clear();
      index = this.#events.push({ subject: draw.eventSubject, payload, count: 0 }) - 1;
    }
    const event = this.#events[index] as IssuedEvent;
    const { payload } = event;
    const start = payload.length;
    if (draft instanceof ScannedParcel) writeIssuedPart(payload, draw, draft, number);
    else payload.copy(Buffer.from(issuedEventPart(draw, draft, number)));
    event.count += 1;
    this.#parts.push(index, start, payload.length);
  }
}

type IssuedEvent = { subject: string; payload: ByteWriter; count: number };
