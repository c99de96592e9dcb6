/**
 * An address below the district as a label may show it: the road and its number stay, every number
 * of building, unit, floor and room is hidden, and with it how long it was.
 * 文一西路969号3幢2单元501室 → 文一西路969号*幢*单元*室. Where a number might be either, it is hidden.
 */
export function maskAddressDetail(detail: string): string {
  const text = detail.normalize('NFC').replace(INVISIBLE, '');
  const [, head = '', road = '', tail = text] = ROAD_NUMBER.exec(text) ?? [];
  return hideNumbers(head) + road + hideNumbers(tail.replace(CHINESE_ROOM, '*'));
}

function hideNumbers(text: string): string {
  return text
    .replace(CHINESE_NUMBERED, '*')
    .replace(NUMBERED, '*')
    .replace(/\*[*\s]*(?=\*)/g, '');
}

/** Only the first, and only where it is surely of the road: "12号楼" and "弄12号" are buildings. */
const ROAD_NUMBER = /^(\P{N}*?)((?:路|街|道|巷|胡同)[0-9０-９]{1,5}号)(?![楼院栋幢座室房])(.*)$/su;

/** A run of digits of any script with the letters and dashes it is joined to, or letters alone. */
const NUMBERED = new RegExp(
  [
    '(?:[\\p{N}\\p{Script=Latin}*]|[-−–—－_/#＃.．~～](?=[\\p{N}\\p{Script=Latin}]))*',
    '(?:\\p{N}|\\p{Script=Latin}(?=[幢栋棟座区區号號单單室层層楼樓]))',
    '(?:[-−–—－_/#＃.．~～]*[\\p{N}\\p{Script=Latin}])*',
  ].join(''),
  'gu',
);

const CHINESE_NUMERAL =
  '[〇○零一二三四五六七八九十百千两廿卅壹贰貳叁參肆伍陆陸柒捌玖拾甲乙丙丁戊己庚辛壬癸东西南北]';
/** 十二幢, 三单元, 甲座. Roads of such names stay: 文三路. */
const CHINESE_NUMBERED = new RegExp(
  `${CHINESE_NUMERAL}+(?=[幢栋棟座号號楼樓层層单單门門室房户戶组組期排])`,
  'gu',
);
/** What ends the address: 五〇一. */
const CHINESE_ROOM = new RegExp(`${CHINESE_NUMERAL}{2,}(?=[^\\p{L}\\p{N}]*$)`, 'gu');

const INVISIBLE = /[\p{C}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}]/gu;
