import type { Consignee, MaskedConsignee } from '#proto/queqiao/waybill/v1/waybill';
import { MOBILE, parsePhone } from './phone.ts';
import { COMPOUND_SURNAMES } from './surname.ts';

/** GB/T 41833-2022 hides at least six digits; ours never shows more than five, as 138******78. */
const HIDDEN_DIGITS_MIN = 6;
const SHOWN_DIGITS_MAX = 5;

/** A consignee as others may see it: masked name and phone, no address below the district. */
export function maskedConsignee(consignee: Consignee): MaskedConsignee {
  const { name, phone, address } = consignee;
  return {
    $typeName: 'queqiao.waybill.v1.MaskedConsignee',
    name: maskName(name),
    phone: maskPhone(phone),
    province: address?.province ?? '',
    city: address?.city ?? '',
    district: address?.district ?? '',
  };
}

/**
 * The surname, then one "*" for each further character, six at most: 张三丰 → 张**, 欧阳修 → 欧阳*.
 * A name that is no Chinese one keeps its first letter. At least one letter is always hidden: a
 * name of one letter is "*", whatever marks, signs or invisible characters stand around it. The
 * length shows, as on every label, up to six: long names are so rare that it would tell of them.
 */
export function maskName(name: string): string {
  // Nearly every name is two or three Chinese characters.
  if (SHORT_HAN.test(name) && !COMPOUND_SURNAMES.has(name.slice(0, 2))) {
    return `${name.slice(0, 1)}${name.length === 2 ? '*' : '**'}`;
  }
  // A letter and its marks are one; what cannot be seen counts for nothing.
  const characters = name.normalize('NFC').replace(INVISIBLE, '').match(CHARACTER) ?? [];
  const shown = surnameLength(characters);
  const hidden = Math.max(1, Math.min(HIDDEN_CHARACTERS_MAX, characters.length - shown));
  return characters.slice(0, shown).join('') + '*'.repeat(hidden);
}

/** How many characters in front may be seen: those of the surname, if a letter is left behind. */
function surnameLength(characters: readonly string[]): number {
  const [first = '', second = ''] = characters;
  // A phone number or an emoji in the name field is no surname; a letter under marks may be one
  // that no surname begins with.
  if (!/^\p{L}$/u.test(first)) return 0;
  const lettersBehind = (from: number) => characters.slice(from).some((each) => LETTER.test(each));
  if (COMPOUND_SURNAMES.has(first + second) && lettersBehind(2)) return 2;
  return lettersBehind(1) ? 1 : 0;
}

const HIDDEN_CHARACTERS_MAX = 6;
const SHORT_HAN = /^[\u4e00-\u9fa5]{2,3}$/;
const LETTER = /\p{L}/u;
/** White space at the ends and what has no shape: zero-width, direction, variation, controls. */
const INVISIBLE = /^\s+|\s+$|[\p{C}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}]/gu;
const CHARACTER = /\P{M}\p{M}*|\p{M}+/gu;

/**
 * The first three and last two digits, at least six others hidden: 138******78, 010-******78. A
 * shorter number shows less; one of six digits or fewer nothing. China's country code is dropped,
 * an extension is hidden whole. The answer holds digits, "*", "-" and a leading "+" alone.
 */
export function maskPhone(phone: string): string {
  // Nearly every phone is a plain mobile number.
  if (MOBILE.test(phone)) return `${phone.slice(0, 3)}******${phone.slice(-2)}`;
  const { plus, groups, extension } = parsePhone(phone);
  const digitCount = groups.join('').length;
  const shown = Math.min(SHOWN_DIGITS_MAX, Math.max(0, digitCount - HIDDEN_DIGITS_MIN));
  const shownLast = Math.min(2, shown);
  const shownFirst = shown - shownLast;
  let index = 0;
  const masked = groups.map((group) =>
    group.replace(/\d/g, (digit) => {
      const position = index++;
      return position < shownFirst || position >= digitCount - shownLast ? digit : '*';
    }),
  );
  if (extension !== '') masked.push('*'.repeat(extension.length));
  return plus + masked.join('-');
}
