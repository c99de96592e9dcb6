/**
 * One writing for all writings of an address: compatibility forms by NFKC (full width, circled and
 * squared signs), one kind of dash, one blank for any run of blanks, nothing that cannot be seen.
 * Normalising twice changes nothing.
 */
export function normalizeAddress(text: string): string {
  if (PLAIN.test(text)) return text;
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .replace(DASH, '-')
    .replace(BLANK, ' ')
    .normalize('NFKC')
    .trim();
}

/**
 * A UTF-16 unit as names of divisions are compared: simplified for traditional characters. Only
 * for comparing, because a person's name keeps its writing.
 */
export function foldUnit(unit: number): number {
  return FOLD[unit] as number;
}

export function foldText(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (foldUnit(unit) !== unit) return text.replace(/[\u3400-\u9fff]/g, foldSign);
  }
  return text;
}

function foldSign(sign: string): string {
  return String.fromCharCode(foldUnit(sign.charCodeAt(0)));
}

/** Ideographs, ASCII without control characters and double or outer blanks: nothing to do. */
const PLAIN = /^(?:[!-~\u3001\u3002\u4e00-\u9fff]| (?=[!-~\u3001\u3002\u4e00-\u9fff]))+$/;
const INVISIBLE = /[\p{Cf}\p{Mn}\p{Me}\p{Co}\p{Cs}]+/gu;
const DASH = /[\p{Pd}\u2212\u2500\u2501\uff70]+/gu;
const BLANK = /[\p{Cc}\p{Z}]+/gu;

/** Traditional characters that occur in names of divisions and in their suffixes. */
const TRADITIONAL =
  '臺台灣湾區区縣县鎮镇鄉乡號号樓楼門门東东廣广陝陕雲云貴贵遼辽寧宁龍龙蘇苏滬沪島岛龜龟離离觀观黃黄長长馬马鳳凤鳥鸟魚鱼鐵铁錦锦鋼钢銀银銅铜鑽钻隴陇陽阳陰阴隊队隨随' +
  '際际階阶險险難难雙双電电靈灵靜静韓韩頂顶順顺頭头頓顿風风飛飞養养饒饶驛驿驢驴魯鲁鶴鹤鷹鹰鹽盐麗丽麥麦齊齐齡龄萬万豐丰嶺岭嶼屿峽峡崗岗岡冈嶽岳巖岩帶带師师庫库廈厦' +
  '廟庙廳厅彎弯後后從从復复恆恒應应懷怀戰战戶户揚扬攬揽敘叙斷断於于昇升會会棲栖楊杨極极樂乐橋桥機机橫横樹树歷历歸归殼壳殺杀毀毁氣气漢汉汙污決决沖冲況况洩泄浹浃涇泾' +
  '淶涞淚泪淥渌淨净淪沦淵渊淺浅渙涣減减渾浑湊凑湧涌湯汤溝沟溫温滄沧滅灭滿满滾滚漁渔漣涟漲涨漸渐潔洁潛潜潤润潯浔澤泽澱淀濁浊濃浓濟济濱滨瀋沈瀏浏瀘泸瀾澜灘滩營营爾尔' +
  '獅狮獨独環环產产畢毕異异當当疊叠皰疱監监盤盘眾众礦矿禮礼禪禅種种積积穩稳窪洼竇窦筆笔節节範范築筑籃篮紅红紹绍經经綏绥綠绿維维網网線线緬缅縉缙績绩繞绕繩绳羅罗義义' +
  '習习聖圣聞闻聯联聰聪職职聽听肅肃腸肠膠胶臨临興兴舊旧艦舰艷艳莊庄莖茎華华菸烟萊莱葉叶葦苇蒼苍蓋盖蓮莲蔣蒋蕪芜薊蓟薦荐薩萨藍蓝藝艺藥药蘆芦蘭兰蘿萝處处虛虚虜虏蝦虾' +
  '衛卫裏里裡里補补規规覽览觸触訓训設设許许諸诸謝谢豬猪貝贝財财貢贡貨货買买費费賀贺賈贾賓宾賢贤賣卖質质賴赖贊赞贛赣趙赵軍军軒轩輝辉輪轮轉转農农迴回連连進进運运過过' +
  '達达遠远遷迁選选邊边邏逻郟郏鄭郑鄰邻鄲郸醫医釣钓鉅巨鎖锁鏡镜鐘钟閘闸閣阁閩闽闊阔關关陸陆陳陈雞鸡霧雾題题顏颜願愿顧顾館馆駐驻騰腾驥骥鯉鲤鳴鸣鴨鸭鵝鹅鶯莺鷺鹭棟栋' +
  '單单層层強强劉刘書书軟软創创國国爭争實实學学隱隐權权廠厂場场園园團团圖图塊块壩坝壽寿備备濤涛瑪玛鬧闹鬥斗';

const FOLD = foldTable();

function foldTable(): Uint16Array {
  const table = new Uint16Array(0x10000);
  for (let unit = 0; unit < table.length; unit++) table[unit] = unit;
  for (let i = 0; i + 1 < TRADITIONAL.length; i += 2) {
    table[TRADITIONAL.charCodeAt(i)] = TRADITIONAL.charCodeAt(i + 1);
  }
  return table;
}
