import { create, toBinary } from '@bufbuild/protobuf';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { demoOrders } from '../../services/cli/demo.ts';

/**
 * Encoded requests without end, each parcel believable and with a key of its own. Encoded once:
 * from then on only the digits of the keys change, so that what is measured is the server and not
 * the making of its load.
 */
export function requestSource(parcelsPerRequest: number): () => Buffer {
  const prefix = `BENCH${runId()}-`;
  const orders = demoOrders(360);
  const template: Buffer[] = [];
  const places: number[] = [];
  let length = 0;
  for (let i = 0; i < parcelsPerRequest; i++) {
    const order = orders[i % orders.length] as (typeof orders)[number];
    const bytes = Buffer.from(toBinary(ParcelSchema, toParcel(order, prefix + NO_DIGITS, i)));
    const head = Buffer.concat([Buffer.from([PARCELS_TAG]), varint(bytes.length)]);
    places.push(length + head.length + bytes.indexOf(NO_DIGITS));
    template.push(head, bytes);
    length += head.length + bytes.length;
  }
  const whole = Buffer.concat(template);
  let next = 0;
  return () => {
    const request = Buffer.from(whole);
    for (const at of places) {
      let rest = next++;
      for (let i = at + NO_DIGITS.length - 1; rest > 0; i--) {
        request[i] = 0x30 + (rest % 10);
        rest = Math.floor(rest / 10);
      }
    }
    return request;
  };
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
    // The range with room for ten thousand million.
    courierId: 'qianxing',
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
