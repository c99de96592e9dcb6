import type { Labelled } from './labelled.ts';

/**
 * Lines as buyers paste them: a labelled address with an invented name and number, in many orders
 * and writings. The same lines every time.
 */
export function madeLines(addresses: readonly Labelled[]): MadeLine[] {
  const random = generator(4);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const digits = (count: number) =>
    Array.from({ length: count }, () => pick([...'0123456789'])).join('');
  return addresses.map(({ text }, i) => {
    const name = pick(SURNAMES) + pick(GIVEN) + (random() < 0.6 ? pick(GIVEN) : '');
    const mobile = `1${pick([...'356789'])}${digits(9)}`;
    const [phone, written] = pick<[string, string]>([
      [mobile, mobile],
      [mobile, mobile],
      [mobile, `+86 ${mobile}`],
      [mobile, `${mobile.slice(0, 3)}-${mobile.slice(3, 7)}-${mobile.slice(7)}`],
      [mobile, mobile.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit)))],
      [`${mobile}-${mobile.slice(1, 5)}`, `${mobile}转${mobile.slice(1, 5)}`],
    ]);
    const order = ORDERS[i % ORDERS.length] as Order;
    return { text: order(name, written, text), address: text, name, phone };
  });
}

/** A small generator of its own (mulberry32), so that the lines never change. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ORDERS: readonly Order[] = [
  (name, phone, address) => `${name} ${phone} ${address}`,
  (name, phone, address) => `${name},${phone},${address}`,
  (name, phone, address) => `${address} ${name} ${phone}`,
  (name, phone, address) => `${address}，${phone}，${name}`,
  (name, phone, address) => `收货人：${name}　手机号码：${phone}　详细地址：${address}`,
  (name, phone, address) => `收件人${name}联系电话${phone}收货地址${address}`,
  (name, phone, address) => `${phone} ${address} ${name}收`,
  (name, phone, address) => `${name}${phone}${address}`,
  (name, phone, address) => `${address}\t${name}\t${phone}\t310000`,
  (name, phone, address) => `姓名:${name};电话:${phone};地址:${address}`,
];

const SURNAMES: readonly string[] = [
  ...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董袁潘蔡蒋余于杜叶程魏苏吕丁任',
  ...'沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔',
  ...['欧阳', '司徒', '诸葛'],
];
const GIVEN = [
  ...'伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰建国志文晓红雪梅小春海波佳欣怡子涵宇轩浩然梓萱',
  ...'雨嘉琪思彤俊晨',
];

type Order = (name: string, phone: string, address: string) => string;
export type MadeLine = { text: string; address: string; name: string; phone: string };
