import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divisions, normalizeAddress, type ParsedAddress, parseAddress } from './index.ts';

// All names, numbers and houses here are invented.

describe('a line of name, phone and address', () => {
  const expected = {
    name: '李雷',
    phone: '13800001234',
    code: '330106',
    provinceCode: '330000',
    cityCode: '330100',
    countyCode: '330106',
    streetCode: '330106109',
    street: '三墩镇',
    road: '金蓬街',
    number: '100号',
    building: '2幢',
    unit: '3单元',
    room: '301室',
  };

  it.each([
    '李雷 13800001234 浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室',
    '浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室 李雷 13800001234',
    '13800001234,浙江杭州西湖区三墩镇金蓬街100号2幢3单元301室,李雷',
    '李雷13800001234浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室',
    '浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室李雷13800001234',
    '李雷浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室13800001234',
    '收货人：李雷　手机号码：138 0000 1234　所在地区：浙江省 杭州市 西湖区　详细地址：三墩镇金蓬街100号2幢3单元301室',
    '收件人李雷联系电话+86 138-0000-1234收货地址浙江省杭州市西湖区三墩镇金蓬街100号2幢3单元301室',
    '浙江省_杭州市_西湖区_三墩镇 金蓬街 100号 2幢 3单元 301室 李雷收 13800001234',
    '浙江省杭州市浙江省杭州市西湖区西湖区三墩镇金蓬街100号2幢3单元301室，李雷，13800001234',
    '杭州市西湖区三墩镇金蓬街１００号２幢３单元３０１室 李雷 １３８００００１２３４',
    '金蓬街100号2幢3单元301室,三墩镇,西湖区,杭州市,浙江省,李雷,13800001234,310030',
  ])('is read in any order and writing: %s', (text) => {
    expect(parseAddress(text)).toMatchObject({ ...expected, precision: 'room', conflicts: [] });
  });

  it('keeps the extension of a virtual number, and other numbers as people write them', () => {
    const phoneOf = (text: string) => parseAddress(`杭州市西湖区金蓬街1号 韩梅梅 ${text}`).phone;
    expect(phoneOf('13800001234转5678')).toBe('13800001234-5678');
    expect(phoneOf('13800001234-5678')).toBe('13800001234-5678');
    expect(phoneOf('(0571)87654321')).toBe('0571-87654321');
    expect(phoneOf('400-800-1234')).toBe('400-800-1234');
    expect(phoneOf('138****1234')).toBe('138****1234');
    expect(phoneOf('0571-87654321 13800001234')).toBe('13800001234');
  });

  it('takes people with the name of a place for people', () => {
    const { name, county } = parseAddress('邹平,13800001234,浙江省台州市路桥区金清镇人民路1号');
    expect([name, county]).toEqual(['邹平', '路桥区']);
  });

  it('takes no shop, estate or remark for a name', () => {
    for (const text of [
      '杭州市西湖区金蓬街1号 金色家园',
      '杭州市西湖区金蓬街1号 丰巢快递柜 13800001234',
      '杭州市西湖区金蓬街1号 幸福花园小区',
    ]) {
      expect(parseAddress(text).name).toBe('');
    }
  });
});

describe('divisions', () => {
  const codes = (text: string) => {
    const { provinceCode, cityCode, countyCode, streetCode } = parseAddress(text);
    return [provinceCode, cityCode, countyCode, streetCode].filter(Boolean).at(-1) ?? '';
  };

  it.each([
    // Missing levels, told by what is named.
    ['瑞安市塘下镇前进路1号', '330381101'],
    ['西湖区三墩镇金蓬街1号', '330106109'],
    ['浙江乐清柳市镇', '330382114'],
    // Provinces that are cities, and their counties.
    ['北京市市辖区东城区长安街1号', '110101'],
    ['重庆忠县新生街1号', '500233'],
    ['重庆市县城口县土城路1号', '500229'],
    ['上海上海市浦东新区世纪大道1号', '310115'],
    // Counties that lie in no city, and cities that have no counties.
    ['湖北省仙桃市沙嘴街道仙桃大道5号', '429004001'],
    ['湖北省省直辖县级行政区划潜江市园林街道', '429005001'],
    ['新疆石河子市北泉镇', '659001100'],
    ['广东省东莞市东城街道东纵路1号', '441900003'],
    // Autonomous divisions in full and as people say.
    ['内蒙古自治区锡林郭勒盟锡林浩特市希日塔拉街道', '152502001'],
    ['四川阿坝州茂县凤仪镇', '513223100'],
    ['恭城县恭城镇拱辰路1号', '450332100'],
    ['新疆伊犁州伊宁市', '654002'],
    // What was there before.
    ['上海市卢湾区淡水路1号', '310101'],
    ['北京宣武区', '110102'],
    ['襄樊市襄阳区', '420607'],
    ['宁波市江东区中山东路1号', '330212'],
    ['富阳市鹿山街道', '330111004'],
    ['杭州市余杭区塘栖镇', '330113100'],
    ['苍南县龙港镇人民路1号', '330383'],
    ['成都市郫县犀浦镇', '510117006'],
    ['新疆省乌鲁木齐市天山区', '650102'],
    // Hong Kong, Macau and Taiwan.
    ['香港九龙油尖旺区弥敦道1号', '810202'],
    ['香港中環德輔道中1號', '810000'],
    ['澳门特别行政区大堂区新马路1号', '820105'],
    ['臺北市大安區忠孝東路四段1號', '710105'],
    // Zones stand between divisions.
    ['宁波市高新区梅墟街道扬帆路1号', '330212004'],
    ['河北省雄安新区容城县', '130629'],
    ['中国江苏省苏州市_其它区_吴中区', '320506'],
  ])('%s is %s', (text, code) => {
    expect(codes(text)).toBe(code);
  });

  it('says with a shop’s code which town of a city without counties it is', () => {
    const { code, countyCode, county, street, detail } = parseAddress('广东省东莞市东城街道');
    expect([code, countyCode, county, street, detail]).toEqual([
      '441916',
      '441900',
      '',
      '东城街道',
      '',
    ]);
  });
});

describe('what is not said', () => {
  it.each([
    // Two places fit.
    ['朝阳区建国路1号', ''],
    ['城关镇人民路1号', ''],
    // A city alone.
    ['吐鲁番市吐鲁番宾馆', '650400'],
    // Given away to two counties, and no street to tell which.
    ['杭州市江干区学林街1号', '330100'],
    // Roads, firms and estates that are called after places.
    ['杭州市 印度餐厅', '330100'],
    ['南京东路1号', ''],
    ['长兴路1号', ''],
    ['文昌东路1号', ''],
    ['中山北路2号', ''],
    ['杭州余杭塘路1号', '330100'],
    ['上海市虹梅路1号', '310100'],
    ['东方商务中心5号楼', ''],
    ['浙江商贸学校', ''],
    ['福田市场一期', ''],
    // Not here.
    ['韩国首尔市江南区德黑兰路1号', ''],
    ['李雷 13800001234 韩国首尔市江南区德黑兰路1号', ''],
    ['1600 Amphitheatre Parkway, Mountain View', ''],
    ['', ''],
    [' , ;', ''],
  ])('%s is left open', (text, code) => {
    expect(parseAddress(text).code).toBe(code);
  });

  it('is named with the places that fit', () => {
    expect(parseAddress('杭州市江干区学林街1号').candidates.toSorted()).toEqual([
      '330102',
      '330114',
    ]);
    // A city without counties and what has the place of its county are one.
    expect(parseAddress('广东省东莞市虎门镇').candidates).toEqual([]);
    expect(parseAddress('韩国首尔市江南区德黑兰路1号')).toMatchObject({
      country: '韩国',
      precision: 'none',
    });
  });

  it('stays in the text that is left', () => {
    expect(parseAddress('朝阳区建国路1号').detail).toBe('朝阳区建国路1号');
    expect(parseAddress('海南省三亚市天涯区海南省三亚市天涯区某某镇芒果村').detail).toBe(
      '某某镇芒果村',
    );
  });

  it('is told apart from what was guessed', () => {
    const reasons = (text: string) =>
      parseAddress(text).guesses.map(({ field, reason }) => `${field} ${reason}`);
    expect(reasons('浙江省杭州市西湖区三墩镇')).toEqual([]);
    expect(reasons('瑞安市塘下镇')).toEqual(['county only-place']);
    expect(reasons('宁波江东区')).toEqual(['city short-name', 'county former-name']);
    expect(reasons('苏州市吴江市松陵镇')).toEqual(['county other-kind', 'street other-kind']);
    expect(reasons('杭州市西湖区金蓬街8-2-301 李雷')).toEqual([
      'building number-chain',
      'name position',
    ]);
  });
});

describe('what contradicts itself', () => {
  it('has no code where it differs, and says so', () => {
    expect(parseAddress('浙江省南京市鼓楼区中山路1号')).toMatchObject({
      code: '',
      conflicts: ['浙江省', '南京市'],
      precision: 'none',
    });
    expect(parseAddress('海南省三亚市天涯区海南省三亚市吉阳区迎宾路1号')).toMatchObject({
      code: '460200',
      countyCode: '',
      conflicts: ['天涯区', '吉阳区'],
      precision: 'city',
    });
    // Behind words that name nothing by themselves, too.
    expect(parseAddress('浙江南京市余杭区文一西路969号')).toMatchObject({
      code: '',
      conflicts: ['南京市', '余杭区'],
    });
  });
});

describe('for any text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '浙江省',
      '杭州',
      '江干区',
      '余杭区',
      '西湖区',
      '三墩镇',
      '龙港镇',
      '朝阳',
      '市',
    ),
    fc.constantFrom(
      '县',
      '重庆市',
      '李雷',
      '收货人',
      '13800001234',
      '-',
      '，',
      ' ',
      '1号',
      '金蓬街',
    ),
    fc.nat(divisions().names.length - 1).map((node) => divisions().names[node] as string),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const line = fc.array(piece, { maxLength: 9 }).map((pieces) => pieces.join(''));

  it('normalising twice changes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(line, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        const once = normalizeAddress(text);
        expect(normalizeAddress(once)).toBe(once);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not throw; codes exist, lie in each other and have their names', () => {
    fc.assert(
      fc.property(line, (text) => {
        const parsed = parseAddress(text);
        expectNested(parsed);
        expect(parsed).toEqual(parseAddress(normalizeAddress(text)));
      }),
      { numRuns: 3_000 },
    );
  });

  it('is quick with texts made to take time, and adds no signs of its own', () => {
    const pieces = [
      '13800001234 ',
      '号 手机:',
      '收货人:',
      '城关镇',
      '浙江省',
      '1-',
      'a ',
      '中山',
      '号',
      '朝阳区,',
    ];
    for (const piece of pieces) {
      const start = performance.now();
      const { detail, name, rest } = parseAddress(piece.repeat(500 / piece.length));
      expect(performance.now() - start, piece).toBeLessThan(200);
      expect(detail + name + rest).not.toMatch(/\p{Co}/u);
    }
  });

  it('finds every county by the names of all that it lies in', () => {
    const known = divisions();
    for (const [node, code] of known.codes.entries()) {
      if (known.level(node) !== 2) continue;
      const city = known.parent(node);
      const text = [known.parent(city), city, node].map((each) => known.nameOf(each)).join('');
      expect([text, parseAddress(text).countyCode]).toEqual([text, code]);
    }
  });
});

function expectNested(parsed: ParsedAddress): void {
  const { provinceCode, cityCode, countyCode, streetCode, code } = parsed;
  const known = divisions();
  for (const each of [provinceCode, cityCode, countyCode, streetCode]) {
    if (each !== '') expect(known.find(each)).toBeDefined();
  }
  if (streetCode !== '') expect(streetCode.startsWith(countyCode)).toBe(true);
  if (streetCode !== '') expect(countyCode).not.toBe('');
  if (countyCode !== '') expect(countyCode.slice(0, 4)).toBe(cityCode.slice(0, 4));
  if (cityCode !== '') expect(cityCode.slice(0, 2)).toBe(provinceCode.slice(0, 2));
  expect(code.startsWith(provinceCode.slice(0, 2))).toBe(true);
}
