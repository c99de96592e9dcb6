import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type RpcError, toRpcError } from '#libs/errors';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { type ParcelDraft, parseParcel } from './parcel.ts';
import { scanParcel } from './parcel-scan.ts';

// How the issuing calls read their requests: straight from the bytes, since decoding every parcel
// into a message and encoding it again for the row would be a third of a waybill's work.

/** Field numbers of the issuing requests; a test compares them with the contract. */
export const MERCHANT_ID_FIELD = 1;
export const PARCELS_FIELD = 2;
/** Those of the stream's requests. */
export const ITEMS_FIELD = 2;
export const ITEM_ID_FIELD = 1;
export const ITEM_PARCEL_FIELD = 2;

/** An encoded IssueWaybillsRequest or IssueWaybillRequest. Throws if the bytes are none. */
export function receiveParcels(bytes: Buffer): ReceivedParcels {
  const received: ReceivedParcels = { merchantId: '', parcels: [] };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === MERCHANT_ID_FIELD) received.merchantId = reader.string();
    else if (field === PARCELS_FIELD) received.parcels.push(receiveParcel(bytes, reader));
    else reader.skip(type, field);
  }
  return received;
}

/** The parcel that the reader stands before, valid or refused. */
export function receiveParcel(bytes: Buffer, reader: BinaryReader): ParcelDraft | RefusedParcel {
  const end = reader.uint32() + reader.pos;
  const start = reader.pos;
  if (end > reader.len) throw new RangeError('a parcel goes beyond its request');
  reader.pos = end;
  const scanned = scanParcel(bytes, start, end);
  if (scanned !== undefined) return scanned;
  // Whatever is unusual, wrong or new in it: the decoder of the whole contract judges.
  const parcel = fromBinary(ParcelSchema, bytes.subarray(start, end));
  const { orderRef } = parcel;
  parcel.parcelNo ||= 1;
  try {
    return parseParcel(parcel);
  } catch (error) {
    return { orderRef, parcelNo: parcel.parcelNo, error: toRpcError(error) };
  }
}

/** An encoded IssueWaybillStreamRequest. Throws if the bytes are none. */
export function receiveItems(bytes: Buffer): ReceivedItems {
  const received: ReceivedItems = { merchantId: '', items: [] };
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === MERCHANT_ID_FIELD) received.merchantId = reader.string();
    else if (field === ITEMS_FIELD) received.items.push(receiveItem(bytes, reader));
    else reader.skip(type, field);
  }
  return received;
}

function receiveItem(bytes: Buffer, reader: BinaryReader): ReceivedItem {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError('an item goes beyond its request');
  const item: ReceivedItem = { itemId: '', parcel: undefined };
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (type !== WireType.LengthDelimited) reader.skip(type, field);
    else if (field === ITEM_ID_FIELD) item.itemId = reader.string();
    // As for every field that is no list, the last one counts.
    else if (field === ITEM_PARCEL_FIELD) item.parcel = receiveParcel(bytes, reader);
    else reader.skip(type, field);
  }
  if (reader.pos > end) throw new RangeError('a field goes beyond its item');
  return item;
}

export type ReceivedItems = { merchantId: string; items: ReceivedItem[] };
export type ReceivedItem = { itemId: string; parcel: ParcelDraft | RefusedParcel | undefined };

export type ReceivedParcels = {
  merchantId: string;
  /** In request order. */
  parcels: (ParcelDraft | RefusedParcel)[];
};

/** A parcel with a field at fault, named as its caller named it. */
export type RefusedParcel = { orderRef: string; parcelNo: number; error: RpcError };
