import { create, toBinary } from '@bufbuild/protobuf';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { demoOrders } from '../../services/cli/demo.ts';

/**
 * Encoded requests without end, each parcel believable and with a key of its own. Encoded once:
 * from then on only the digits of the keys change, so that what is measured is the server and not
 * the making of its load.
 */
export function requestSource(parcelsPerRequest: number): () => Buffer {
  const { whole, places } = template(parcelsPerRequest);
  let next = 0;
  return () => {
    const request = Buffer.from(whole);
    for (const at of places) putDigits(request, at, next++);
    return request;
  };
}

/**
 * The same for IssueWaybillStream: requests of as many items as asked for, each named by the number
 * of the items before it.
 */
export function itemSource(): (count: number) => Buffer {
  // Each item is a template of its own; a run of them, one after the other, is a request.
  const { whole, places, ends } = template(ITEMS_MAX, true);
  let next = 0;
  return (count) => {
    const request = Buffer.from(whole.subarray(0, ends[count - 1]));
    for (let i = 0; i < count; i++) {
      putDigits(request, places[2 * i] as number, next);
      putDigits(request, places[2 * i + 1] as number, next++);
    }
    return request;
  };
}

function template(count: number, asItems = false): Template {
  const prefix = `BENCH${runId()}-`;
  const orders = demoOrders(360);
  const pieces: Buffer[] = [];
  const places: number[] = [];
  const ends: number[] = [];
  let length = 0;
  for (let i = 0; i < count; i++) {
    const order = orders[i % orders.length] as (typeof orders)[number];
    const parcel = Buffer.from(toBinary(ParcelSchema, toParcel(order, prefix + NO_DIGITS, i)));
    const piece = asItems ? itemField(parcel) : field(PARCELS_TAG, parcel);
    for (let at = piece.indexOf(NO_DIGITS); at >= 0; at = piece.indexOf(NO_DIGITS, at + 1)) {
      places.push(length + at);
    }
    pieces.push(piece);
    length += piece.length;
    ends.push(length);
  }
  return { whole: Buffer.concat(pieces), places, ends };
}

function putDigits(request: Buffer, place: number, value: number): void {
  let rest = value;
  for (let i = place + NO_DIGITS.length - 1; rest > 0; i--) {
    request[i] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** An IssueItem in an IssueWaybillStreamRequest. */
function itemField(parcel: Buffer): Buffer {
  const itemId = field(0x0a, Buffer.from(NO_DIGITS));
  return field(ITEMS_TAG, Buffer.concat([itemId, field(0x12, parcel)]));
}

function field(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes]);
}

let runs = 0;

/** Two sources in one run, and two runs on one database, never share a key. */
function runId(): string {
  return `${Date.now().toString(36)}${runs++}`.toUpperCase();
}

function toParcel(order: ReturnType<typeof demoOrders>[number], orderRef: string, i: number) {
  const { name, phone, province, city, district, street, detail } = order;
  return create(ParcelSchema, {
    orderRef,
    // Billed by the month: a prepaid account would be drawn by another writer.
    courierId: 'lingque',
    nodeId: order.nodeId,
    consignee: { name, phone, address: { province, city, district, street, detail } },
    weightG: 800 + i,
    goodsDescription: order.goodsDescription,
    remark: order.remark,
  });
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const NO_DIGITS = '0000000000';
/** The field `parcels` of an IssueWaybillsRequest and `parcel` of an IssueWaybillRequest. */
const PARCELS_TAG = 0x12;
/** The field `items` of an IssueWaybillStreamRequest. */
const ITEMS_TAG = 0x12;
const ITEMS_MAX = 256;

type Template = {
  whole: Buffer;
  /** Where the digits stand that differ from one parcel to the next. */
  places: number[];
  /** Where each parcel or item ends. */
  ends: number[];
};
