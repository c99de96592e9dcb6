import { COMPOUND_SURNAMES } from '#libs/privacy';
import type { Piece } from './contact.ts';

/** How likely a piece is the consignee's name; 0 or less: it is none. */
export function nameScore(text: string, piece: Piece, hasPhone: boolean): number {
  const { length } = text;
  if (length === 0 || length > 20) return 0;
  if (piece.isNamed) return 100;
  if (length > 1 && length < 7 && text.endsWith('收') && !ADDRESS_END.test(text.slice(0, -1)))
    return 90;
  const near = piece.isNearPhone ? 30 : 0;
  const hasSurname = SURNAMES.has(text[0] as string) || COMPOUND_SURNAMES.has(text.slice(0, 2));
  if (TITLED.test(text)) return hasSurname ? 80 : 40 + near;
  if (SHORTENED.test(text)) return hasSurname ? 60 : near;
  if (LATIN.test(text)) return hasPhone ? 5 + near : 0;
  if (!IDEOGRAPHS.test(text)) return 0;
  const isUsual = hasSurname && length <= (COMPOUND_SURNAMES.has(text.slice(0, 2)) ? 4 : 3);
  if (ADDRESS_END.test(text) && !(isUsual && near > 0 && length < 4)) return 0;
  if (length === 1) return hasSurname && hasPhone ? 10 + near : 0;
  if (isUsual) return hasPhone ? 40 + near : 20;
  return hasPhone && length <= 4 ? 5 + near : 0;
}

/** 李雷 for 李雷收. */
export function bareName(text: string): string {
  return text.length > 1 ? text.replace(/(?:\((?:收|电联)\)|收)$/, '') : text;
}

/**
 * Where a name starts that was written behind a house number without a blank, as in
 * 2幢301室李雷 before a telephone number; -1 if there is none.
 */
export function nameTail(text: string): number {
  const match = NAME_TAIL.exec(text);
  const name = match?.[1] ?? '';
  const isName = SURNAMES.has(name[0] ?? '') && name.length <= 3;
  return isName || COMPOUND_SURNAMES.has(name.slice(0, 2)) ? text.length - name.length : -1;
}

export function isFullName(text: string): boolean {
  if (!IDEOGRAPHS.test(text) || text.length < 2 || ADDRESS_END.test(text)) return false;
  const isCompound = COMPOUND_SURNAMES.has(text.slice(0, 2));
  return isCompound ? text.length <= 4 : SURNAMES.has(text[0] as string) && text.length <= 3;
}

const IDEOGRAPHS = /^[\u3400-\u9fff·]+$/;
const LATIN = /^[A-Za-z][A-Za-z.' -]{0,19}$/;
const SHORTENED = /^[\u4e00-\u9fff]{1,2}[A-Za-z*某]{1,4}$/;
const TITLED = /^[\u4e00-\u9fff]{1,4}(?:先生|女士|小姐|老师|师傅|阿姨|同学|医生|经理|老板|太太)$/;
const ADDRESS_END =
  /[路街道巷弄村镇乡区县市省号楼幢栋室园苑城厦庄院店厂司校场站局馆中心大学府里坊层座]$|单元$|快递|驿站|丰巢/;
/** The last sign that may end a house number decides. */
const NAME_TAIL = /^.*[号室楼幢栋座层房\d)]([\u4e00-\u9fff]{2,4})$/;

const SURNAMES: ReadonlySet<string> = new Set(
  '赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜戚谢邹喻柏水窦章云苏潘葛奚范彭郎鲁韦昌马苗凤' +
    '花方俞任袁柳酆鲍史唐费廉岑薛雷贺倪汤滕殷罗毕郝邬安常乐于时傅皮卞齐康伍余元卜顾孟平黄和穆萧尹姚邵湛汪祁毛禹' +
    '狄米贝明臧计伏成戴谈宋茅庞熊纪舒屈项祝董梁杜阮蓝闵席季麻强贾路娄危江童颜郭梅盛林刁钟徐邱骆高夏蔡田樊胡凌霍' +
    '虞万支柯昝管卢莫经房裘缪干解应宗丁宣贲邓郁单杭洪包诸左石崔吉钮龚程嵇邢滑裴陆荣翁荀羊於惠甄曲家封芮羿储靳汲' +
    '邴糜松井段富巫乌焦巴弓牧隗山谷车侯宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖武符刘景詹束龙叶幸司韶郜黎蓟薄印宿' +
    '白怀蒲邰从鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟谭贡劳逄姬申扶堵冉宰郦雍却璩桑桂濮牛寿通边扈燕冀郏浦尚农' +
    '温别庄晏柴瞿阎充慕连茹习宦艾鱼容向古易慎戈廖庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越夔隆师巩厍聂晁' +
    '勾敖融冷訾辛阚那简饶空曾毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公肖涂覃佟仝楚岳帅亢况郤琴商牟佘佴伯赏' +
    '墨哈谯笪年爱阳代付闫岩兰训苟揭钱尧吾车仉督' +
    '趙錢孫鄭馮陳衛蔣韓楊許呂張嚴魏謝鄒竇雲蘇範魯韋馬鳳兪費薛賀湯羅畢鄔樂時齊顧黃蕭紀項閔賈婁顏鍾鐘駱萬盧莫單葉' +
    '劉龍鄧榮陸莊閻連習歐聶關游權蓋楚',
);
