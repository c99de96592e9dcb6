import type { Random } from './random.ts';

/** A name made of a common surname and given name: nobody in particular. */
export function personName(random: Random): string {
  const surname = random.chance(0.02) ? random.pick(DOUBLE_SURNAMES) : random.pick(SURNAMES);
  const given = random.pick(GIVEN);
  return surname + (random.chance(0.75) ? given + random.pick(GIVEN) : given);
}

/** A mobile number with four zeros in the middle: it looks right and reads as made up. */
export function mobileNumber(random: Random): string {
  const tail = String(random.integer(0, 9999)).padStart(4, '0');
  return `1${random.pick(MOBILE_SECOND)}${random.integer(0, 9)}0000${tail}`;
}

/** Road, number, community, building, unit and room, or the office form without a unit. */
export function streetDetail(random: Random): string {
  const road = `${random.pick(ROADS)} ${random.integer(1, 980)} 号`;
  if (random.chance(0.2)) {
    const tower = random.pick(['A 座', 'B 座', '1 号楼', '2 号楼']);
    const office = `${random.integer(3, 28)}${String(random.integer(1, 20)).padStart(2, '0')} 室`;
    return `${road}${random.pick(OFFICES)} ${tower} ${office}`;
  }
  const room = `${random.integer(1, 32)}0${random.integer(1, 4)} 室`;
  const building = `${random.integer(1, 36)} 幢 ${random.integer(1, 4)} 单元 ${room}`;
  return `${road}${random.pick(COMMUNITIES)} ${building}`;
}

// The more frequent a surname, the more often it stands here.
const SURNAMES = [
  ...'王李张刘陈杨黄赵吴周',
  ...'王李张刘陈杨黄赵吴周',
  ...'徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严',
];
const DOUBLE_SURNAMES = ['欧阳', '司马', '上官', '诸葛', '皇甫', '尉迟'];
const GIVEN = [
  ...'伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉兰建文辉力宁欣怡佳宇浩然子涵梓萱雨桐思远晨曦嘉琪诗雅俊熙梦瑶博泽铭哲心语若溪安可一诺',
];
const MOBILE_SECOND = ['3', '5', '7', '8', '9'];
const ROADS = [
  ...['人民路', '解放路', '中山路', '建设路', '文化路', '和平路', '新华路', '青年路', '学府路'],
  ...['滨江路', '迎宾大道', '科技路', '体育路', '幸福街', '光明路', '团结路', '长江路', '黄河路'],
  ...['工农路', '友谊路', '花园路', '公园路', '北京路', '南京路', '朝阳街', '东风路'],
];
const COMMUNITIES = [
  ...['锦绣花园', '阳光水岸', '翠竹苑', '金桂园', '香樟公馆', '枫林雅居', '碧水湾', '东方名苑'],
  ...['丽景家园', '和谐小区', '月牙湖小区', '明珠花园', '康乐新村', '桃源里', '书香门第', '御景湾'],
];
const OFFICES = ['创新大厦', '商务中心', '软件园', '环球广场', '科创园', '国贸大厦'];
