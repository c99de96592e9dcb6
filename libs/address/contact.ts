import { parsePhone } from '#libs/privacy';

/**
 * Takes telephone numbers and field labels out of a normalised text. What is left is cut into
 * pieces that are of one field each, or of an address and nothing else.
 */
export function splitContact(plain: string): Contact {
  const phones: string[] = [];
  let body = plain;
  if (MANY_DIGITS.test(plain)) {
    body = body.replace(PHONE, (phone: string) => {
      phones.push(cleanPhone(phone));
      return PHONE_MARK;
    });
  }
  if (LABEL_SIGN.test(body)) {
    body = body.replace(LABEL, (_, name?: string) => (name === undefined ? FIELD_MARK : NAME_MARK));
  }
  const phone = phones.find((each) => MOBILE.test(each)) ?? phones[0] ?? '';
  const pieces = cut(body);
  const last = pieces[PIECES_MAX];
  if (last !== undefined)
    body = body.slice(0, last.start) + body.slice(last.start).replace(MARKS, ' ');
  return { phone, body, pieces };
}

/** 13800001234, 13800001234-1234 (extension), 0571-87654321: without +86, blanks and brackets. */
function cleanPhone(phone: string): string {
  if (phone.includes('*')) return phone.replace(/[^\d*-]/g, '');
  const { plus, groups, extension } = parsePhone(phone.replace(/[转#[]/, '-').replace(')', '-'));
  const number = plus + groups.join(groups.join('').startsWith('1') ? '' : '-');
  return extension === '' ? number : `${number}-${extension}`;
}

function cut(body: string): Piece[] {
  const pieces: Piece[] = [];
  let start = 0;
  let isNamed = false;
  let isNearPhone = false;
  for (let at = 0; at <= body.length; at++) {
    if (pieces.length === PIECES_MAX) at = body.length;
    if (at < body.length && IS_SEPARATOR[body.charCodeAt(at)] === 0) continue;
    const sign = body[at];
    const isPhone = sign === PHONE_MARK;
    if (at > start) {
      pieces.push({ start, end: at, isNamed, isNearPhone: isNearPhone || isPhone });
      isNamed = false;
      isNearPhone = false;
    } else if (isPhone && pieces.length > 0) {
      (pieces.at(-1) as Piece).isNearPhone = true;
    }
    if (isPhone) isNearPhone = true;
    if (sign === NAME_MARK) isNamed = true;
    else if (sign === FIELD_MARK) isNamed = false;
    start = at + 1;
  }
  return pieces;
}

/** What comes behind so many is one piece. */
const PIECES_MAX = 50;
// Private characters; normalising leaves none in a text.
const PHONE_MARK = '\ue000';
const NAME_MARK = '\ue001';
const FIELD_MARK = '\ue002';
const MARKS = /[\ue000-\ue002]/g;
const SEPARATORS = ` ,;:。、|!?"'_~${PHONE_MARK}${NAME_MARK}${FIELD_MARK}`;
const IS_SEPARATOR = new Uint8Array(0x10000);
for (const sign of SEPARATORS) IS_SEPARATOR[sign.charCodeAt(0)] = 1;

const MANY_DIGITS = /\d[\d*][\d* -]{5}/;
const MOBILE = /^1\d{2}/;
/** A mobile, also behind a room number without a blank, with the extension of a virtual number. */
const CELL =
  '(?:(?:\\+|00)?86[- ]?)?1[3-9]\\d(?:[- ]?\\d{4}[- ]?\\d{4}|\\*{4}\\d{4})' +
  '(?:[-转#[]\\d{1,6}\\]?(?!\\d))?(?!\\d)';
/** Of Hong Kong, Macau and Taiwan. */
const OVERSEAS = '\\+(?:85[23]|886)[- ]?\\d{4}[- ]?\\d{4,5}(?!\\d)';
const LAND =
  '(?<!\\d)(?:(?:\\+|00)86[- ]?)?\\(?0(?:10|2\\d|[3-9]\\d{2})\\)?[- ]?\\d{7,8}' +
  '(?:[-转]\\d{1,6})?(?!\\d)';
const SERVICE = '(?<!\\d)[48]00[- ]?\\d{3}[- ]?\\d{4}(?!\\d)';
const PHONE = new RegExp([CELL, OVERSEAS, LAND, SERVICE].join('|'), 'g');

/** What all labels have in common: a quick look before the long one. */
const LABEL_SIGN = /[件货系机话编址区名人][人姓:地码号方电]|[Tt][Ee][Ll]/;
const NAME_LABEL = '(收[货件]人(?:姓名)?:?|收[货件]:|联系人:?|姓名:)';
const FIELD_LABEL = [
  '手机(?:号码?:?|:)|联系(?:电话|方式):?|电话(?:号码)?:|[Tt][Ee][Ll]:?',
  '(?:邮政编码|邮编):?',
  '(?:所在地区|详细地址|[收送]货地址|收件地址):?|地[址区]:',
].join('|');
const LABEL = new RegExp(`${NAME_LABEL}|${FIELD_LABEL}`, 'g');

/** A text without telephone numbers and labels, and its pieces. */
export type Contact = {
  /** The first mobile number, else the first number, as written. */
  phone: string;
  body: string;
  pieces: Piece[];
};

export type Piece = {
  start: number;
  end: number;
  /** A label says that it is the name. */
  isNamed: boolean;
  isNearPhone: boolean;
};
