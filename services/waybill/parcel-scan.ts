import { fromBinary } from '@bufbuild/protobuf';
import { type Parcel, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { ParcelDraft } from './parcel.ts';

/**
 * Reads an encoded parcel without decoding it: finds where its parts lie and checks them as
 * parseParcel does. Undefined for every parcel that is not plainly valid (a field at fault, one it
 * does not know, an unusual order or encoding): those are for the ordinary decoder and parseParcel,
 * which have the last word and the error texts. A property test holds the two against each other.
 */
export function scanParcel(bytes: Buffer, start: number, end: number): ScannedParcel | undefined {
  const scan = new Scan(bytes, start, end);
  const parcel = new ScannedParcel(bytes, start, end);
  if (!scan.text(ORDER_REF, 64, ORDER_REF_BYTES)) return undefined;
  parcel.orderRefStart = scan.start;
  parcel.orderRefEnd = scan.end;
  const parcelNo = scan.number(PARCEL_NO, 999);
  if (parcelNo < 0) return undefined;
  parcel.parcelNo = parcelNo || 1;
  parcel.routeStart = scan.at;
  if (!scan.text(COURIER_ID, 32, SLUG_BYTES) || !scan.isSlug()) return undefined;
  parcel.courierIdStart = scan.start;
  parcel.courierIdEnd = scan.end;
  if (bytes[scan.at] === SERVICE_CODE) {
    if (!scan.text(SERVICE_CODE, 32, SLUG_BYTES)) return undefined;
    parcel.serviceCodeStart = scan.start;
    parcel.serviceCodeEnd = scan.end;
  }
  if (!scan.text(NODE_ID, 32, SLUG_BYTES) || !scan.isSlug()) return undefined;
  parcel.nodeIdStart = scan.start;
  parcel.routeEnd = scan.at;
  if (!scanConsignee(scan, parcel)) return undefined;
  parcel.bodyStart = scan.at;
  parcel.weightG = scan.number(WEIGHT_G, 1_000_000);
  parcel.volumeMl = scan.number(VOLUME_ML, 10_000_000);
  if (parcel.weightG < 0 || parcel.volumeMl < 0) return undefined;
  if (scan.number(GOODS_VALUE_FEN, 1_000_000_000) < 0) return undefined;
  if (!scan.optionalPlain(GOODS_DESCRIPTION, 100)) return undefined;
  if (!scan.optionalPlain(REMARK, 200)) return undefined;
  return scan.at === end ? parcel : undefined;
}

function scanConsignee(scan: Scan, parcel: ScannedParcel): boolean {
  const end = scan.open(CONSIGNEE);
  if (end < 0) return false;
  parcel.consigneeStart = scan.at;
  parcel.consigneeEnd = end;
  if (!scan.plain(NAME, 40)) return false;
  parcel.nameStart = scan.start;
  parcel.nameEnd = scan.end;
  if (!scan.text(PHONE, 20, DIGIT_BYTES) || scan.end - scan.start < 5) return false;
  parcel.phoneStart = scan.start;
  parcel.phoneEnd = scan.end;
  if (scan.open(ADDRESS) !== end) return false;
  if (!scan.plain(PROVINCE, 20)) return false;
  parcel.provinceStart = scan.start;
  parcel.provinceEnd = scan.end;
  if (!scan.optionalPlain(CITY, 20)) return false;
  parcel.cityStart = scan.start;
  parcel.cityEnd = scan.end;
  if (!scan.optionalPlain(DISTRICT, 20)) return false;
  parcel.districtStart = scan.start;
  parcel.districtEnd = scan.end;
  if (!scan.optionalPlain(STREET, 30)) return false;
  return scan.plain(DETAIL, 256) && scan.at === end;
}

/** A valid parcel that still lies in the bytes of its request. What is rarely asked is decoded. */
export class ScannedParcel implements ParcelDraft {
  readonly $typeName = 'queqiao.waybill.v1.Parcel' as const;
  readonly source: Buffer;
  readonly #start: number;
  readonly #end: number;
  #message: ParcelDraft | undefined;
  orderRefStart = 0;
  orderRefEnd = 0;
  /** Courier, service and node as they are encoded: the same bytes name the same three. */
  routeStart = 0;
  routeEnd = 0;
  courierIdStart = 0;
  courierIdEnd = 0;
  serviceCodeStart = 0;
  serviceCodeEnd = 0;
  nodeIdStart = 0;
  consigneeStart = 0;
  consigneeEnd = 0;
  nameStart = 0;
  nameEnd = 0;
  phoneStart = 0;
  phoneEnd = 0;
  provinceStart = 0;
  provinceEnd = 0;
  cityStart = 0;
  cityEnd = 0;
  districtStart = 0;
  districtEnd = 0;
  /** From here to the end lies what no column holds. */
  bodyStart = 0;
  parcelNo = 1;
  weightG = 0;
  volumeMl = 0;

  constructor(source: Buffer, start: number, end: number) {
    this.source = source;
    this.#start = start;
    this.#end = end;
  }

  get bodyEnd(): number {
    return this.#end;
  }

  get orderRef(): string {
    return this.source.toString('latin1', this.orderRefStart, this.orderRefEnd);
  }

  get name(): string {
    return this.source.toString('utf8', this.nameStart, this.nameEnd);
  }

  get phone(): string {
    return this.source.toString('latin1', this.phoneStart, this.phoneEnd);
  }

  get route(): string {
    return this.source.toString('latin1', this.routeStart, this.routeEnd);
  }

  get courierId(): string {
    return this.source.toString('latin1', this.courierIdStart, this.courierIdEnd);
  }

  get serviceCode(): string {
    return this.source.toString('latin1', this.serviceCodeStart, this.serviceCodeEnd);
  }

  get nodeId(): string {
    // The last field of the route.
    return this.source.toString('latin1', this.nodeIdStart, this.routeEnd);
  }

  get consignee(): ParcelDraft['consignee'] {
    return this.#decoded.consignee;
  }

  get goodsValueFen(): bigint {
    return this.#decoded.goodsValueFen;
  }

  get goodsDescription(): string {
    return this.#decoded.goodsDescription;
  }

  get remark(): string {
    return this.#decoded.remark;
  }

  // A parcel with one of these is not scanned.

  get parcelCount(): number {
    return 1;
  }

  get addedServices(): ParcelDraft['addedServices'] {
    return NO_SERVICES;
  }

  get holdNodeId(): string {
    return '';
  }

  get accountId(): string {
    return '';
  }

  get outwardNumber(): undefined {
    return undefined;
  }

  get sender(): undefined {
    return undefined;
  }

  get mergedOrderRefs(): string[] {
    return this.#decoded.mergedOrderRefs;
  }

  get #decoded(): ParcelDraft {
    this.#message ??= fromBinary(
      ParcelSchema,
      this.source.subarray(this.#start, this.#end),
    ) as Parcel & ParcelDraft;
    return this.#message;
  }
}

/** A place in the bytes of a parcel that moves on over fields in the order of their numbers. */
class Scan {
  readonly bytes: Buffer;
  readonly limit: number;
  at: number;
  /** Where the text last found lies. */
  start = 0;
  end = 0;

  constructor(bytes: Buffer, at: number, limit: number) {
    this.bytes = bytes;
    this.at = at;
    this.limit = limit;
  }

  /** Steps into a message or text; answers where it ends, -1 if it is not there. */
  open(tag: number): number {
    if (this.at >= this.limit || this.bytes[this.at] !== tag) return -1;
    this.at += 1;
    const length = this.#varint();
    const end = this.at + length;
    return length < 0 || end > this.limit ? -1 : end;
  }

  /** A text of 1 to `max` of the bytes in `allowed`. */
  text(tag: number, max: number, allowed: Uint8Array): boolean {
    const end = this.open(tag);
    if (end < 0 || end === this.at || end - this.at > max) return false;
    const { bytes } = this;
    for (let i = this.at; i < end; i++) if (allowed[bytes[i] as number] === 0) return false;
    this.#take(end);
    return true;
  }

  /** Whether the text last found begins with a letter and has two characters or more. */
  isSlug(): boolean {
    return (this.bytes[this.start] as number) >= 0x61 && this.end - this.start >= 2;
  }

  /** A text of 1 to `max` characters that is not blank and holds nothing refused. */
  plain(tag: number, max: number): boolean {
    const end = this.open(tag);
    if (end < 0 || end === this.at) return false;
    // All kinds of blanks begin with one of these bytes, and so do a few other characters.
    if (MAYBE_BLANK[this.bytes[this.at] as number] === 1) return false;
    return this.#plain(end, max);
  }

  /** The same, or no such field. */
  optionalPlain(tag: number, max: number): boolean {
    this.start = this.at;
    this.end = this.at;
    if (this.at >= this.limit || this.bytes[this.at] !== tag) return true;
    const end = this.open(tag);
    return end >= 0 && this.#plain(end, max);
  }

  /** A whole number from 0 to `max`, 0 if there is no such field; -1 if it is something else. */
  number(tag: number, max: number): number {
    if (this.at >= this.limit || this.bytes[this.at] !== tag) return 0;
    this.at += 1;
    const value = this.#varint();
    return value > max ? -1 : value;
  }

  /** Well-formed UTF-8 of at most three bytes a character, none of which is refused. */
  #plain(end: number, max: number): boolean {
    const { bytes } = this;
    let count = 0;
    let i = this.at;
    while (i < end) {
      const first = bytes[i] as number;
      const width = plainWidth(bytes, i, first);
      if (width === 0) return false;
      i += width;
      count += 1;
    }
    if (i !== end || count > max) return false;
    this.#take(end);
    return true;
  }

  #take(end: number): void {
    this.start = this.at;
    this.end = end;
    this.at = end;
  }

  /** -1 for one of more than five bytes or one that is cut off. */
  #varint(): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 5 && this.at < this.limit; i++) {
      const byte = this.bytes[this.at++] as number;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    return -1;
  }
}

/** How many bytes the character takes; 0 if it is refused, malformed or of four bytes. */
function plainWidth(bytes: Buffer, at: number, first: number): number {
  if (first < 0x80) return PLAIN_ASCII[first] as number;
  const second = bytes[at + 1] as number;
  if ((second & 0xc0) !== 0x80) return 0;
  if (first < 0xe0) {
    // U+0080 to U+009F are control characters.
    const isControl = first === 0xc2 && second < 0xa0;
    return first < 0xc2 || isControl ? 0 : 2;
  }
  if (first >= 0xf0 || ((bytes[at + 2] as number) & 0xc0) !== 0x80) return 0;
  // Longer than needed, or half a surrogate pair.
  if ((first === 0xe0 && second < 0xa0) || (first === 0xed && second >= 0xa0)) return 0;
  return 3;
}

function bytesOf(isIn: (character: string) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    byte < 0x80 && isIn(String.fromCharCode(byte)) ? 1 : 0,
  );
}

const ORDER_REF_BYTES = bytesOf((character) => /[A-Za-z0-9_-]/.test(character));
const SLUG_BYTES = bytesOf((character) => /[a-z0-9-]/.test(character));
const DIGIT_BYTES = bytesOf((character) => /\d/.test(character));
const PLAIN_ASCII = bytesOf((character) => !/['"#&+<>%\\\p{Cc}]/u.test(character));
const MAYBE_BLANK = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte <= 0x20 || [0xc2, 0xe1, 0xe2, 0xe3, 0xef].includes(byte) ? 1 : 0,
);

const NO_SERVICES: ParcelDraft['addedServices'] = [];

// Tags as they are encoded: field number × 8 + wire type. A test compares them with the contract.
const ORDER_REF = 0x0a;
const PARCEL_NO = 0x10;
const COURIER_ID = 0x1a;
const SERVICE_CODE = 0x22;
const NODE_ID = 0x2a;
const CONSIGNEE = 0x32;
const WEIGHT_G = 0x38;
const VOLUME_ML = 0x40;
const GOODS_VALUE_FEN = 0x48;
const GOODS_DESCRIPTION = 0x52;
const REMARK = 0x5a;
const NAME = 0x0a;
const PHONE = 0x12;
const ADDRESS = 0x1a;
const PROVINCE = 0x0a;
const CITY = 0x12;
const DISTRICT = 0x1a;
const STREET = 0x22;
const DETAIL = 0x2a;
