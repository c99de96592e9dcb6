/**
 * A division's name in two parts, 浙江 + 省, 恭城 + 瑶族自治县: people leave the second out, write
 * another (a county that has become a city) or shorten it.
 */
export function splitName(name: string, level: Level): NameParts {
  const stem = PATTERNS[level].exec(name)?.[1];
  // 忠县, 东区: one character alone is no name.
  if (stem === undefined || stem.length < 2 || NO_STEM.has(stem)) return { stem: name, suffix: '' };
  return { stem, suffix: name.slice(stem.length) };
}

/** Suffixes that stand for any other of the same level, longest first. */
export function otherSuffixes(level: Level): readonly string[] {
  return OTHER_SUFFIXES[level];
}

/** 0 province, 1 city, 2 county, 3 street. */
export type Level = 0 | 1 | 2 | 3;

export const PROVINCE = 0;
export const CITY = 1;
export const COUNTY = 2;
export const STREET = 3;

const PEOPLES =
  '蒙古|回|藏|维吾尔|苗|彝|壮|布依|朝鲜|满|侗|瑶|白|土家|哈尼|哈萨克|傣|黎|傈僳|佤|畲|高山|拉祜|水|' +
  '东乡|纳西|景颇|柯尔克孜|土|达斡尔|仫佬|羌|布朗|撒拉|毛南|仡佬|锡伯|阿昌|普米|塔吉克|怒|乌孜别克|' +
  '俄罗斯|鄂温克|德昂|保安|裕固|京|塔塔尔|独龙|鄂伦春|赫哲|门巴|珞巴|基诺|各';
const AUTONOMOUS = `(?:(?:${PEOPLES})族?)*自治`;
/** Below the autonomous ones 族 is always there, and 土 or 白 without it a part of the name. */
const ETHNIC = `(?:(?:${PEOPLES})族)`;

const PATTERNS: Readonly<Record<Level, RegExp>> = {
  0: /^(.+?)(?:特别行政区|(?:壮族|回族|维吾尔)?自治区|省|市)$/,
  1: new RegExp(`^(.{2,}?)(?:${AUTONOMOUS}州|地区|盟|市)$`),
  2: new RegExp(`^(.{2,}?)(?:${AUTONOMOUS}[县旗]|${ETHNIC}+区|新区|[林特]区|[区县市旗])$`),
  3: new RegExp(`^(.{2,}?)(?:街道办事处|街道|地区办事处|地区|${ETHNIC}*[乡镇]|苏木)$`),
};

/** What is left of such names says nothing: 市中区, 新城区 keep their suffix. */
const NO_STEM: ReadonlySet<string> = new Set(
  '城中 市中 市南 市北 新城 新市 开发 高新 城关 郊区 城区 矿区 河东 河西 城东 城西 城北 城南 中心'.split(
    ' ',
  ),
);

const OTHER_SUFFIXES: Readonly<Record<Level, readonly string[]>> = {
  0: ['自治区', '省', '市'],
  1: ['自治州', '地区', '州', '盟', '市'],
  // A town may have become a city: 龙港镇.
  2: ['自治县', '自治旗', '新区', '县', '区', '市', '旗', '镇'],
  3: ['街道办事处', '街道办', '街道', '民族乡', '办事处', '镇', '乡'],
};

export type NameParts = { stem: string; suffix: string };
