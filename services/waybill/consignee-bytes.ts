import { type DescMessage, fromBinary, type MessageShape } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

/** Larger ones are encoded anew, which leaves out what nobody knows. */
const BYTES_MAX = 4_096;

/** Field numbers of the contract; a test compares them with its descriptors. */
export const PARCELS_FIELD = 2;
export const CONSIGNEE_FIELD = 6;

/**
 * The encoded consignee of each parcel in an encoded IssueWaybillsRequest or IssueWaybillRequest,
 * as it came: it is sealed as it is, which saves encoding it again, a tenth of a waybill's work.
 * Undefined where there is none, where it stands twice (the reader merges those) or is too long.
 */
export function consigneeBytesOf(request: Uint8Array): (Uint8Array | undefined)[] {
  const found: (Uint8Array | undefined)[] = [];
  const reader = new BinaryReader(request);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field !== PARCELS_FIELD || type !== WireType.LengthDelimited) reader.skip(type, field);
    else found.push(inParcel(reader));
  }
  return found;
}

function inParcel(reader: BinaryReader): Uint8Array | undefined {
  const end = reader.uint32() + reader.pos;
  let bytes: Uint8Array | undefined;
  let count = 0;
  while (reader.pos < end) {
    const [field, type] = reader.tag();
    if (field !== CONSIGNEE_FIELD || type !== WireType.LengthDelimited) {
      reader.skip(type, field);
      continue;
    }
    bytes = reader.bytes();
    count += 1;
  }
  return count === 1 && bytes !== undefined && bytes.length <= BYTES_MAX ? bytes : undefined;
}

/** How a server reads such a request. */
export function receive<Desc extends DescMessage>(
  desc: Desc,
): { requestDeserialize: (bytes: Uint8Array) => Received<MessageShape<Desc>> } {
  return {
    requestDeserialize: (bytes) => ({
      message: fromBinary(desc, bytes),
      consigneeBytes: consigneeBytesOf(bytes),
    }),
  };
}

/** A request with the bytes of its consignees, parcel by parcel. */
export type Received<Message> = {
  message: Message;
  consigneeBytes: (Uint8Array | undefined)[];
};
