/**
 * A telephone number taken apart: digits in any width, China's country code dropped, what stands
 * behind the number as its extension told apart. Other characters than digits, "+" and "-" are
 * left out.
 */
export function parsePhone(phone: string): PhoneParts {
  const plain = phone.normalize('NFKC').replace(/[^\d+-]/g, '');
  const national = plain.replace(CHINA_CODE, '');
  const groups = national.split(/[+-]+/).filter((group) => group !== '');
  const last = groups.at(-1) ?? '';
  const hasExtension = last.length <= 6 && groups.slice(0, -1).some((group) => group.length >= 7);
  return {
    isChinese: plain.length !== national.length,
    plus: national.startsWith('+') ? '+' : '',
    groups: hasExtension ? groups.slice(0, -1) : groups,
    extension: hasExtension ? last : '',
  };
}

/**
 * One writing for all writings of a number, for look-up: 0571-87654321, +86 571 8765 4321 and
 * 057187654321 are one. The extension stands apart: virtual numbers share all the rest, and people
 * ask without it.
 */
export function normalizePhone(phone: string): NormalPhone {
  // Nearly every phone is a plain mobile number.
  if (MOBILE.test(phone)) return { number: phone, extension: '' };
  const { isChinese, plus, groups, extension } = parsePhone(phone);
  const digits = groups.join('');
  // Written internationally, an area code loses its 0.
  const isArea = isChinese && !digits.startsWith('0') && /^(?:10\d{8}|[2-9]\d{9,10})$/.test(digits);
  const isService = /^[48]00\d{7}$/.test(digits);
  return { number: isArea && !isService ? `0${digits}` : plus + digits, extension };
}

/** A mobile number of China in its plain form. */
export const MOBILE = /^1\d{10}$/;

// Without the code a mobile reads like any other; the code alone would use up what may be shown.
const CHINA_CODE = /^(?:\+86|0086|86(?=1\d{10}(?!\d)))-?(?=\d[\d-]{6})/;

export type PhoneParts = {
  /** Whether China's country code stood in front. */
  isChinese: boolean;
  plus: string;
  groups: string[];
  extension: string;
};
export type NormalPhone = { number: string; extension: string };
