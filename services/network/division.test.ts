import { expect, test } from 'vitest';
import { divisionCode, divisions, placeOf } from '#libs/address';
import { divisionByNames, divisionsAround, isDivisionCode } from './division.ts';

test.each([
  ['浙江省', '杭州市', '余杭区', '', '330110'],
  ['浙江省', '杭州市', '', '', '3301'],
  ['上海市', '上海市', '青浦区', '', '310118'],
  ['上海市', '', '青浦区', '', '310118'],
  ['重庆市', '重庆市', '云阳县', '', '500235'],
  ['湖北省', '', '仙桃市', '', '429004'],
  ['香港特别行政区', '', '', '', '81'],
  // As people write them, and by the names of former times.
  ['浙江', '杭州', '余杭', '', '330110'],
  ['浙江省', '杭州市', '余杭县', '', '330110'],
  ['浙江', '', '', '', '33'],
  ['浙江', '', '余杭', '', '330110'],
  ['海南', '', '文昌', '', '469005'],
  ['青海', '海南', '共和县', '', '632521'],
  ['新疆', '', '石河子市', '', '659001'],
  ['湖北', '恩施', '利川', '', '422802'],
  ['吉林', '吉林', '船营区', '', '220204'],
  ['内蒙古', '呼和浩特', '', '', '1501'],
  ['上海', '上海', '卢湾区', '', '310101'],
  ['重庆', '重庆', '云阳县', '', '500235'],
  ['广东省', '东莞市', '', '', '441900'],
  ['广东省', '东莞市', '', '虎门镇', '441900121'],
  ['香港', '', '湾仔区', '', '810102'],
  // What no division is called ends the search, what contradicts itself begins none.
  ['浙江省', '杭州市', '高新区', '', '3301'],
  ['浙江省', '南京市', '', '', ''],
  ['浙江', '南京', '余杭区', '', ''],
  ['江苏', '杭州', '西湖区', '', ''],
  ['', '', '朝阳区', '', ''],
  ['日本', '东京都', '', '', ''],
  ['', '', '', '', ''],
])('%s %s %s %s is %s', (province, city, district, street, code) => {
  expect(divisionByNames({ province, city, district, street })).toBe(code);
});

test('a street is known by its name, and lies in all above it', () => {
  const names = { province: '北京市', city: '北京市', district: '东城区', street: '东华门街道' };
  const code = divisionByNames(names);
  expect(code).toBe('110101001');
  expect(divisionsAround(code)).toEqual(['110101001', '110101', '1101', '11']);
  for (const each of divisionsAround(code)) expect(isDivisionCode(each)).toBe(true);
  expect(isDivisionCode('110101999')).toBe(false);
});

test.each([
  ['11', true],
  ['1101', true],
  ['441900', true],
  ['4419', true],
  ['8101', true],
  ['810102', true],
  // A province has two digits, a city four; towns that shops tell by six have nine.
  ['110000', false],
  ['1100', false],
  ['330100', false],
  ['441901', false],
  ['441900121', true],
  ['99', false],
  ['', false],
  ['33011', false],
  ['浙江', false],
])('%s is a code: %s', (code, is) => {
  expect(isDivisionCode(code)).toBe(is);
});

test('every division has one code, which is of the form of its level', () => {
  const known = divisions();
  for (const [node, digits] of known.codes.entries()) {
    const code = divisionCode(placeOf(known, node));
    expect(isDivisionCode(code), `${node} ${digits} ${code}`).toBe(true);
    expect(digits.startsWith(code), `${digits} ${code}`).toBe(true);
  }
});
