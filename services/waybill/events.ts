import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { subjects } from '#libs/bus';
import type { ByteWriter } from '#libs/bytes';
import { enqueue, type Tx } from '#libs/db';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import {
  type IssuedParcel,
  NumberRangeReportedSchema,
  WaybillCancelledSchema,
  type WaybillsIssued,
  WaybillsIssuedSchema,
} from '#proto/queqiao/waybill/v1/event';
import type { ParcelDraft } from './parcel.ts';
import type { ScannedParcel } from './parcel-scan.ts';
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

export async function enqueueCancelled(tx: Tx, row: WaybillRow, time: Date): Promise<void> {
  const payload = create(WaybillCancelledSchema, {
    waybillNumber: row.waybill_number,
    merchantId: row.merchant_id,
    orderRef: row.order_ref,
    parcelNo: row.parcel_no,
    version: row.version,
    cancelTime: timestampFromDate(time),
  });
  await enqueue(tx, 'waybill', [
    {
      eventId: randomUUID(),
      subject: subjects.waybillCancelled(row.courier_id),
      type: WaybillCancelledSchema.typeName,
      payload: toBinary(WaybillCancelledSchema, payload),
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

type IssuedDraw = {
  merchantId: string;
  serviceCode: string;
  nodeId: string;
  issueTime: Date;
};
