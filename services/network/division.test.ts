import { expect, test } from 'vitest';
import { divisionByNames, divisionsAround, isDivisionCode } from './division.ts';

test.each([
  ['浙江省', '杭州市', '余杭区', '', '330110'],
  ['浙江省', '杭州市', '', '', '3301'],
  ['上海市', '上海市', '青浦区', '', '310118'],
  ['上海市', '', '青浦区', '', '310118'],
  ['重庆市', '重庆市', '云阳县', '', '500235'],
  ['湖北省', '', '仙桃市', '', '429004'],
  ['香港特别行政区', '', '', '', '81'],
  // Only what is written officially; what is not known ends the search.
  ['浙江', '杭州市', '余杭区', '', ''],
  ['浙江省', '杭州', '余杭区', '', '33'],
  ['浙江省', '杭州市', '余杭县', '', '3301'],
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
