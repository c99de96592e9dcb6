import type { Consignee, MaskedConsignee } from '#proto/queqiao/waybill/v1/waybill';
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
 * The surname, then one "*" for each further character: 张三丰 → 张**, 欧阳修 → 欧阳*. A name that
 * is no Chinese one keeps its first letter. At least one character is always hidden, so a name of
 * one character is "*". Counts code points: half a character is never shown.
 */
export function maskName(name: string): string {
  const characters = [...name.normalize('NFC').trim()];
  const shown = Math.min(surnameLength(characters), characters.length - 1);
  if (shown <= 0) return '*'.repeat(Math.max(1, characters.length));
  return characters.slice(0, shown).join('') + '*'.repeat(characters.length - shown);
}

function surnameLength(characters: readonly string[]): number {
  const [first, second] = characters;
  // A phone number or an emoji in the name field is no surname.
  if (first === undefined || !/^\p{L}$/u.test(first)) return 0;
  // With two characters in all, the second is the given name, whatever the first two look like.
  if (characters.length > 2 && COMPOUND_SURNAMES.has(`${first}${second}`)) return 2;
  return 1;
}

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

const MOBILE = /^1\d{10}$/;

function parsePhone(phone: string): PhoneParts {
  const plain = phone.normalize('NFKC').replace(/[^\d+-]/g, '');
  // Without the code a mobile reads like any other; the code alone would use up what may be shown.
  const national = plain.replace(/^(?:\+86|0086|86(?=1\d{10}(?!\d)))-?(?=\d[\d-]{6})/, '');
  const groups = national.split(/[+-]+/).filter((group) => group !== '');
  const last = groups.at(-1) ?? '';
  const hasExtension = last.length <= 6 && groups.slice(0, -1).some((group) => group.length >= 7);
  return {
    plus: national.startsWith('+') ? '+' : '',
    groups: hasExtension ? groups.slice(0, -1) : groups,
    extension: hasExtension ? last : '',
  };
}

type PhoneParts = { plus: string; groups: string[]; extension: string };
