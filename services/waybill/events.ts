import { randomUUID } from 'node:crypto';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { subjects } from '#libs/bus';
import type { ByteWriter } from '#libs/bytes';
import { enqueue, type Tx } from '#libs/db';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import {
  AccountBalanceCrossedSchema,
  ConsigneesErasedSchema,
  type IssuedParcel,
  NumberRangeReportedSchema,
  WaybillCancelledSchema,
  WaybillRecalledSchema,
  WaybillReleasedSchema,
  type WaybillsIssued,
  WaybillsIssuedSchema,
  WaybillUpdatedSchema,
} from '#proto/queqiao/waybill/v1/event';
import { MaskedConsigneeSchema, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { holdNodeOf } from './message.ts';
import type { ParcelDraft } from './parcel.ts';
import type { ScannedParcel } from './parcel-scan.ts';
import type { CrossedAccount } from './store/account.ts';
import type { WaybillRow } from './store/waybill.ts';

// What the waybill service tells the network. Subjects and payloads never hold a name, a phone, a
// street or a house; the region stops at the district.

/** Waybills of one event; 250 of about 150 bytes stay far below the bus's message limit. */
export const ISSUED_PER_EVENT = 250;

/**
 * One waybill's part of a WaybillsIssued payload: the field with its tag and length, so that parts
 * put one after the other are the message.
 */
export function issuedEventPart(draw: IssuedDraw, draft: ParcelDraft, number: string): Uint8Array {
  const { address } = draft.consignee;
  const parcel: IssuedParcel = {
    $typeName: 'queqiao.waybill.v1.IssuedParcel',
    waybillNumber: number,
    merchantId: draw.merchantId,
    orderRef: draft.orderRef,
    parcelNo: draft.parcelNo,
    serviceCode: draw.serviceCode,
    nodeId: draw.nodeId,
    province: address.province,
    city: address.city,
    district: address.district,
    weightG: draft.weightG,
    volumeMl: draft.volumeMl,
    issueTime: timestampFromDate(draw.issueTime),
    parcelCount: draft.parcelCount > 1 ? draft.parcelCount : 0,
    holdNodeId: draft.holdNodeId,
    outwardWaybillNumber: draft.outwardNumber ?? '',
  };
  const event: WaybillsIssued = {
    $typeName: 'queqiao.waybill.v1.WaybillsIssued',
    parcels: [parcel],
  };
  return toBinary(WaybillsIssuedSchema, event);
}

/** The same bytes from a parcel that was not decoded; a test compares the two. */
export function writeIssuedPart(
  to: ByteWriter,
  draw: IssuedDraw,
  draft: ScannedParcel,
  number: string,
): void {
  const { source } = draft;
  to.byte(0x0a);
  const part = to.beginLength();
  to.asciiField(0x0a, number);
  to.asciiField(0x12, draw.merchantId);
  to.bytesField(0x1a, source, draft.orderRefStart, draft.orderRefEnd);
  to.varintField(0x20, draft.parcelNo);
  to.asciiField(0x2a, draw.serviceCode);
  to.asciiField(0x32, draw.nodeId);
  to.bytesField(0x3a, source, draft.provinceStart, draft.provinceEnd);
  to.bytesField(0x42, source, draft.cityStart, draft.cityEnd);
  to.bytesField(0x4a, source, draft.districtStart, draft.districtEnd);
  to.varintField(0x50, draft.weightG);
  to.varintField(0x58, draft.volumeMl);
  to.byte(0x62);
  const time = to.beginLength();
  writeTimestamp(to, draw.issueTime);
  to.endLength(time);
  to.endLength(part);
}

/** The fields of a google.protobuf.Timestamp; for times after 1970. */
export function writeTimestamp(to: ByteWriter, time: Date): void {
  const ms = time.getTime();
  to.varintField(0x08, Math.floor(ms / 1_000));
  to.varintField(0x10, (ms % 1_000) * 1_000_000);
}

export async function enqueueCancelled(tx: Tx, rows: WaybillRow[], time: Date): Promise<void> {
  const cancelTime = timestampFromDate(time);
  await enqueueEach(tx, rows, WaybillCancelledSchema, (row) => ({
    subject: subjects.waybillCancelled(row.courier_id),
    payload: { ...namesOf(row), cancelTime },
  }));
}

export async function enqueueUpdated(tx: Tx, rows: WaybillRow[], time: Date): Promise<void> {
  const updateTime = timestampFromDate(time);
  await enqueueEach(tx, rows, WaybillUpdatedSchema, (row) => {
    const { weightG, volumeMl } = fromBinary(ParcelSchema, row.body);
    const { province, city, district } = fromBinary(MaskedConsigneeSchema, row.consignee_masked);
    const serviceCode = row.service_code;
    return {
      subject: subjects.waybillUpdated(row.courier_id),
      payload: {
        ...{ ...namesOf(row), serviceCode, province, city, district, weightG, volumeMl },
        updateTime,
      },
    };
  });
}

export async function enqueueReleased(tx: Tx, rows: WaybillRow[], time: Date): Promise<void> {
  const releaseTime = timestampFromDate(time);
  await enqueueEach(tx, rows, WaybillReleasedSchema, (row) => ({
    subject: subjects.waybillReleased(row.courier_id),
    payload: { ...namesOf(row), holdNodeId: holdNodeOf(row), releaseTime },
  }));
}

export async function enqueueRecalled(tx: Tx, rows: WaybillRow[], time: Date): Promise<void> {
  const recallTime = timestampFromDate(time);
  await enqueueEach(tx, rows, WaybillRecalledSchema, (row) => ({
    subject: subjects.waybillRecalled(row.courier_id),
    payload: { ...namesOf(row), holdNodeId: holdNodeOf(row), recallTime },
  }));
}

/** One event for each row, in their order. */
async function enqueueEach<Desc extends DescMessage>(
  tx: Tx,
  rows: WaybillRow[],
  schema: Desc,
  eventOf: (row: WaybillRow) => { subject: string; payload: MessageInitShape<Desc> },
): Promise<void> {
  const events = rows.map((row) => {
    const { subject, payload } = eventOf(row);
    const bytes = toBinary(schema, create(schema, payload));
    return { eventId: randomUUID(), subject, type: schema.typeName, payload: bytes };
  });
  await enqueue(tx, 'waybill', events);
}

function namesOf(row: WaybillRow) {
  return {
    waybillNumber: row.waybill_number,
    merchantId: row.merchant_id,
    orderRef: row.order_ref,
    parcelNo: row.parcel_no,
    version: row.version,
  };
}

/** Of one courier and merchant; at most 500. */
export async function enqueueConsigneesErased(
  tx: Tx,
  { courierId, merchantId, numbers }: { courierId: string; merchantId: string; numbers: string[] },
  time: Date,
): Promise<void> {
  const payload = create(ConsigneesErasedSchema, {
    waybillNumbers: numbers,
    merchantId,
    eraseTime: timestampFromDate(time),
  });
  await enqueue(tx, 'waybill', [
    {
      eventId: randomUUID(),
      subject: subjects.consigneeErased(courierId),
      type: ConsigneesErasedSchema.typeName,
      payload: toBinary(ConsigneesErasedSchema, payload),
    },
  ]);
}

/**
 * Tells how much of a range is left after a piece was leased: at the first lease, then each time
 * another tenth is used, and at every lease below the low-water mark.
 */
export async function enqueueRangeReport(
  tx: Tx,
  range: NumberRange,
  piece: { first: bigint; last: bigint },
  time: Date,
): Promise<void> {
  const total = range.lastSerial - range.firstSerial + 1n;
  const before = range.lastSerial - piece.first + 1n;
  const left = range.lastSerial - piece.last;
  const isFirst = piece.first === range.firstSerial;
  const isNewTenth = (before * 10n) / total !== (left * 10n) / total;
  const isLow = left <= range.lowWaterCount;
  if (!isFirst && !isNewTenth && !isLow) return;
  const payload = create(NumberRangeReportedSchema, {
    rangeId: range.rangeId,
    courierId: range.courierId,
    remainingCount: left,
    reportTime: timestampFromDate(time),
  });
  await enqueue(tx, 'waybill', [
    {
      eventId: randomUUID(),
      subject: subjects.rangeReported(range.courierId),
      type: NumberRangeReportedSchema.typeName,
      payload: toBinary(NumberRangeReportedSchema, payload),
    },
  ]);
}

/** Tells that balances fell to their alert marks or rose above them. */
export async function enqueueCrossed(tx: Tx, crossed: CrossedAccount[], time: Date): Promise<void> {
  const events = crossed.map((account) => {
    const payload = create(AccountBalanceCrossedSchema, {
      merchantId: account.merchant_id,
      courierId: account.courier_id,
      accountId: account.account_id,
      balanceCount: BigInt(account.balance_count),
      lowBalanceCount: BigInt(account.low_balance_count),
      crossTime: timestampFromDate(time),
    });
    const subject = account.is_low ? subjects.accountLow : subjects.accountRefilled;
    return {
      eventId: randomUUID(),
      subject: subject(account.courier_id),
      type: AccountBalanceCrossedSchema.typeName,
      payload: toBinary(AccountBalanceCrossedSchema, payload),
    };
  });
  await enqueue(tx, 'waybill', events);
}

type IssuedDraw = {
  merchantId: string;
  serviceCode: string;
  nodeId: string;
  issueTime: Date;
};
