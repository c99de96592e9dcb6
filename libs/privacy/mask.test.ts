import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import { maskAddressDetail, maskedConsignee, maskName, maskPhone } from './index.ts';
import { COMPOUND_SURNAMES } from './surname.ts';

const names: [string, string][] = [
  ['张三', '张*'],
  ['张三丰', '张**'],
  ['张先生', '张**'],
  ['  李 四 ', '李**'],
  ['王', '*'],
  ['', '*'],
  ['   ', '*'],
  ['欧阳修', '欧阳*'],
  ['司马相如', '司马**'],
  ['諸葛亮', '諸葛*'],
  ['欧阳', '欧*'],
  ['阿卜杜拉·买买提', '阿******'],
  ['买买提', '买**'],
  ['巴特尔·孟克', '巴*****'],
  ['John Smith', 'J******'],
  ['John Fitzgerald Kennedy', 'J******'],
  ['Ó Briain', 'Ó******'],
  ['ＪＯＨＮ', 'Ｊ***'],
  ['José', 'J***'],
  ['𠮷田太郎', '𠮷***'],
  ['張𠮷', '張*'],
  ['👩‍👧妈妈', '****'],
  ['13812345678', '******'],
  ['张三13812345678', '张******'],
  ['\u0301a', '**'],
  // One letter is all there is to hide, whatever stands around it.
  ['王13812345678', '******'],
  ['王\u200b', '*'],
  ['\u202e王\u202c', '*'],
  ['葛\u{e0100}', '*'],
  ['葛\u{e0100}城太郎', '葛***'],
  ['王。', '**'],
  ['王 😀', '***'],
  ['王*', '**'],
  ['e\u0301', '*'],
  ['q\u0303', '*'],
  ['e\u0301a', 'é*'],
  ['欧阳\u200d', '欧*'],
  ['欧阳!', '欧**'],
  ['王\ue000', '*'],
  ['𠮷', '*'],
];

const phones: [string, string][] = [
  ['13812345678', '138******78'],
  ['138-1234-5678', '138-****-**78'],
  ['+8613812345678', '138******78'],
  ['+86-13812345678', '138******78'],
  ['008613812345678', '138******78'],
  ['8613812345678', '138******78'],
  ['13812345678', '138******78'],
  ['010-12345678', '010-******78'],
  ['0571-87654321', '057*-******21'],
  ['+86-010-12345678', '010-******78'],
  ['010-12345678-1234', '010-******78-****'],
  ['13812345678-1234', '138******78-****'],
  ['400-820-8820', '40*-***-**20'],
  ['+85291234567', '+852******67'],
  ['87654321', '******21'],
  ['8765432', '******2'],
  ['12345', '*****'],
  ['110', '***'],
  ['', ''],
  ['no phone', ''],
];

/** Digits in every writing that a caller might send, dashes, plus signs and junk. */
const anyPhone = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'0123456789+- '), maxLength: 24 }),
  fc.string({ unit: fc.constantFrom(...'018٣5678+-abc呼'), maxLength: 24 }),
  fc
    .tuple(fc.constantFrom('+86', '0086', '86', '+'), fc.integer({ min: 0 }))
    .map((all) => all.join('')),
  fc.string({ unit: 'binary' }),
);

describe('maskName', () => {
  it.each(names)('shows %j as %j', (name, masked) => {
    expect(maskName(name)).toBe(masked);
  });

  it('hides a letter of every name, shows a surname at most, and cuts no character', () => {
    fc.assert(fc.property(anyName, hidesName(maskName)), { numRuns: 5000 });
  });

  it('shows how many letters it hides up to six, and nothing of a longer name', () => {
    fc.assert(
      fc.property(fc.string({ unit: han, minLength: 1, maxLength: 40 }), (name) => {
        const shown = maskName(name).replace(/\*/g, '').length;
        const hidden = Math.max(1, Math.min(6, name.length - shown));
        expect(maskName(name)).toHaveLength(shown + hidden);
      }),
    );
  });

  it('tells nothing new of a masked name', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const once = maskName(name);
        expect(once.startsWith(maskName(once).replace(/\*+$/, ''))).toBe(true);
      }),
    );
  });

  it('the check bites: what shows a lone letter, the end or half a character is noticed', () => {
    const broken: [(name: string) => string, string][] = [
      [(name) => `${[...name][0]}*`, '王\u200b'],
      [(name) => `${[...name][0]}*`, '葛\u{e0100}'],
      [(name) => maskName(name).replace(/\*$/, [...name].at(-1) ?? ''), '张三丰'],
      [(name) => `${name[0]}*`, '𠮷田'],
      [(name) => `${name.slice(0, 2)}*`, '张三丰'],
    ];
    for (const [mask, name] of broken) expect(() => hidesName(mask)(name)).toThrow();
  });
});

describe('maskPhone', () => {
  it.each(phones)('shows %j as %j', (phone, masked) => {
    expect(maskPhone(phone)).toBe(masked);
  });

  it('hides at least six digits and shows at most five, whatever it is given', () => {
    fc.assert(fc.property(anyPhone, hidesEnough(maskPhone)), { numRuns: 5000 });
  });

  it('shows digits where they stood, and tells nothing new of a masked number', () => {
    fc.assert(
      fc.property(anyPhone, (phone) => {
        const [before = '', after = ''] = maskPhone(phone)
          .replace(/[-+]/g, '')
          .split(/\*.*\*|\*/);
        const digits = phone.normalize('NFKC').replace(/[^0-9]/g, '');
        expect(digits).toContain(before);
        expect(digits).toContain(after);
        expect(maskPhone(maskPhone(phone))).not.toMatch(/\d/);
      }),
    );
  });

  it('the check bites: showing one digit more, or an extension, is noticed', () => {
    const tooMany = (phone: string) => phone.replace(/(\d{4})\d{5}(\d{2})/, '$1*****$2');
    const extension = (phone: string) => maskPhone(phone).replace(/\*+$/, phone.slice(-4));
    for (const broken of [tooMany, extension]) {
      expect(() => hidesEnough(broken)('13812345678-1234')).toThrow();
    }
  });
});

const details: [string, string][] = [
  ['文一西路969号3幢2单元501室', '文一西路969号*幢*单元*室'],
  ['文三路100号2幢301室', '文三路100号*幢*室'],
  ['银河路七夕里7号77幢777室', '银河路七夕里*号*幢*室'],
  ['中山北路3000弄12号501室', '中山北路*弄*号*室'],
  ['建国路12号楼3单元', '建国路*号楼*单元'],
  ['建国路12号院5号楼1201', '建国路*号院*号楼*'],
  ['阳光小区十二幢三单元五〇一', '阳光小区*幢*单元*'],
  ['阳光小区3-2-501', '阳光小区*'],
  ['SOHO现代城B座1203A', 'SOHO现代城*座*'],
  ['翠苑一区甲座乙单元', '翠苑一区*座*单元'],
  ['长安街1号', '长安街1号'],
  ['长安街１号２号楼３０１', '长安街１号*号楼*'],
  ['三里屯路11号,8号门', '三里屯路11号,*号门'],
  ['①单元Ⅳ室', '*单元*室'],
  ['5\u200b01室', '*室'],
  ['王家村', '王家村'],
  ['', ''],
];

describe('maskAddressDetail', () => {
  it.each(details)('shows %j as %j', (detail, masked) => {
    expect(maskAddressDetail(detail)).toBe(masked);
  });

  const anyDetail = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'文路街道号幢单元室楼弄一二三五〇甲Ab0195-/#①Ⅳ٣ ,') }),
    fc.string({ unit: 'binary' }),
  );

  it('leaves no number but one of a road, whatever it is given', () => {
    fc.assert(fc.property(anyDetail, hidesRooms(maskAddressDetail)), { numRuns: 5000 });
  });

  it('tells nothing new of a masked address', () => {
    fc.assert(
      fc.property(anyDetail, (detail) => {
        const once = maskAddressDetail(detail);
        const numbers = (text: string) => text.match(/\p{N}+/gu) ?? [];
        expect(numbers(once)).toEqual(
          expect.arrayContaining([...numbers(maskAddressDetail(once))]),
        );
      }),
    );
  });

  it('the check bites: a room, a building of Chinese numerals and a letter are noticed', () => {
    for (const leak of ['文一西路969号3幢', '501', '文三路1号十二幢', 'B座', '三单元']) {
      expect(() => hidesRooms((detail) => detail)(leak)).toThrow();
    }
  });
});

describe('maskedConsignee', () => {
  it('keeps the region and nothing finer', () => {
    const consignee = create(ConsigneeSchema, {
      name: '欧阳小明',
      phone: '13812345678',
      address: {
        province: '浙江省',
        city: '杭州市',
        district: '余杭区',
        street: '仓前街道',
        detail: '文一西路969号3幢502室',
      },
    });
    const { $typeName, ...masked } = maskedConsignee(consignee);
    expect(masked).toEqual({
      name: '欧阳**',
      phone: '138******78',
      province: '浙江省',
      city: '杭州市',
      district: '余杭区',
    });
  });

  it('copes with a consignee without an address', () => {
    const masked = maskedConsignee(create(ConsigneeSchema, { name: '张三', phone: '12345' }));
    expect(masked).toMatchObject({ name: '张*', phone: '*****', province: '' });
  });
});

const han = fc.constantFrom(...'欧阳司马张三李四諸葛');
const anyName = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'欧阳司马张三李四𠮷諸葛Ab ·é') }),
  // What stands around a letter without being one.
  fc.string({
    unit: fc.constantFrom(...'欧阳王𠮷a1。*', '\u200b', '\u{e0100}', '\u0301', '\u202e', '👩‍👧'),
    maxLength: 5,
  }),
);

function hidesName(mask: (name: string) => string): (name: string) => void {
  return (name) => {
    const masked = mask(name);
    expect(masked).toMatch(/^\p{L}{0,2}\*{1,6}$/u);
    const shown = masked.replace(/\*+$/, '');
    // Some letters have no shape: Hangul fillers.
    const seen = name.normalize('NFC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
    const letters = seen.match(/\p{L}/gu) ?? [];
    // What is seen is the beginning of the letters, and not the end of them.
    expect(letters.slice(0, [...shown].length).join('')).toBe(shown);
    if (shown !== '') expect(letters.length).toBeGreaterThan([...shown].length);
    if ([...shown].length === 2) expect(COMPOUND_SURNAMES.has(shown)).toBe(true);
    // Half a surrogate pair does not survive UTF-8.
    expect(Buffer.from(masked).toString()).toBe(masked);
  };
}

function hidesRooms(mask: (detail: string) => string): (detail: string) => void {
  return (detail) => {
    const masked = mask(detail);
    const rest = masked.replace(/(?<=路|街|道|巷|胡同)[0-9０-９]{1,5}号(?![楼院栋幢座室房])/u, '');
    expect(rest).not.toMatch(/\p{N}/u);
    expect(rest).not.toMatch(/[\p{Script=Latin}〇一二三五甲](?:幢|单元|室|座|层|楼)/u);
  };
}

function hidesEnough(mask: (phone: string) => string): (phone: string) => void {
  return (phone) => {
    const masked = mask(phone);
    expect(masked).toMatch(/^\+?[\d*-]*$/);
    const given = phone.normalize('NFKC').replace(/[^0-9]/g, '').length;
    const shown = masked.replace(/[^0-9]/g, '').length;
    expect(shown).toBeLessThanOrEqual(Math.min(5, Math.max(0, given - 6)));
  };
}
