import { create, toBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { ByteWriter } from '#libs/bytes';
import { RpcError, toItemError } from '#libs/errors';
import { ItemErrorSchema } from '#proto/queqiao/type/v1/item_error';
import {
  IssuedWaybillSchema,
  type IssueOutcome,
  IssueOutcomeSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { writeTimestamp } from './events.ts';
import type { IssueAnswer } from './issue.ts';
import type { ParcelDraft } from './parcel.ts';
import { ScannedParcel } from './parcel-scan.ts';
import type { RefusedParcel } from './receive.ts';

/**
 * An encoded IssueWaybillsResponse. The common outcome, a number drawn now, is written as bytes;
 * every other one by the ordinary encoder. A test compares the two.
 */
export function encodeOutcomes({ parcels, answers }: AnsweredParcels): Buffer {
  const to = new ByteWriter(64 + parcels.length * 64);
  for (const [i, parcel] of parcels.entries()) {
    const answer = answers[i] as IssueAnswer;
    to.byte(0x0a);
    const outcome = to.beginLength();
    const isPlain = parcel instanceof ScannedParcel && !(answer instanceof RpcError);
    if (isPlain && !answer.alreadyIssued) writeIssued(to, parcel, answer);
    else to.copy(Buffer.from(toBinary(IssueOutcomeSchema, outcomeOf(parcel, answer))));
    to.endLength(outcome);
  }
  return to.buffer.subarray(0, to.length);
}

function writeIssued(
  to: ByteWriter,
  parcel: ScannedParcel,
  answer: Exclude<IssueAnswer, RpcError>,
): void {
  to.bytesField(0x0a, parcel.source, parcel.orderRefStart, parcel.orderRefEnd);
  to.varintField(0x10, parcel.parcelNo);
  writeNumber(to, 0x1a, answer);
}

/** A field with an IssuedWaybill that was drawn now. */
function writeNumber(
  to: ByteWriter,
  tag: number,
  { waybillNumber, issueTime, state }: Exclude<IssueAnswer, RpcError>,
): void {
  to.byte(tag);
  const issued = to.beginLength();
  to.asciiField(0x0a, waybillNumber);
  if (issueTime !== undefined) {
    to.byte(0x12);
    const time = to.beginLength();
    writeTimestamp(to, timestampDate(issueTime));
    to.endLength(time);
  }
  to.varintField(0x20, state);
  to.endLength(issued);
}

/** An encoded IssueWaybillStreamResponse, in the same manner. */
export function encodeItemOutcomes({ window, outcomes }: AnsweredItems): Buffer {
  const to = new ByteWriter(16 + outcomes.length * 96);
  to.varintField(0x08, window);
  for (const { itemId, answer } of outcomes) {
    to.byte(0x12);
    const outcome = to.beginLength();
    to.textField(0x0a, itemId);
    if (answer instanceof RpcError) {
      to.bytesField(0x1a, Buffer.from(toBinary(ItemErrorSchema, toItemError(answer))));
    } else if (answer.alreadyIssued || answer.parcelCount > 0) {
      to.bytesField(0x12, Buffer.from(toBinary(IssuedWaybillSchema, answer)));
    } else {
      writeNumber(to, 0x12, answer);
    }
    to.endLength(outcome);
  }
  return to.buffer.subarray(0, to.length);
}

/** What became of one parcel, as a message. */
export function outcomeOf(parcel: ParcelDraft | RefusedParcel, answer: IssueAnswer): IssueOutcome {
  const { orderRef, parcelNo } = parcel;
  return create(IssueOutcomeSchema, {
    orderRef,
    parcelNo,
    outcome:
      answer instanceof RpcError
        ? { case: 'error', value: toItemError(answer) }
        : { case: 'issued', value: answer },
  });
}

export type AnsweredParcels = {
  parcels: (ParcelDraft | RefusedParcel)[];
  /** One for each parcel. */
  answers: IssueAnswer[];
};

export type AnsweredItems = { window: number; outcomes: AnsweredItem[] };
export type AnsweredItem = { itemId: string; answer: IssueAnswer };
