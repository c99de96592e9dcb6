import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import { maskedConsignee, maskName, maskPhone } from './index.ts';

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
  ['阿卜杜拉·买买提', '阿*******'],
  ['John Smith', 'J*********'],
  ['Ó Briain', 'Ó*******'],
  ['José', 'J***'],
  ['𠮷田太郎', '𠮷***'],
  ['張𠮷', '張*'],
  ['👩‍👧妈妈', '*****'],
  ['13812345678', '***********'],
  ['\u0301a', '**'],
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

  it('always hides a character and never shows more than two', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: hanOrLatin })),
        (name) => {
          const masked = maskName(name);
          const shown = masked.replace(/\*+$/, '');
          expect(masked).toMatch(/\*$/);
          expect([...shown].length).toBeLessThanOrEqual(2);
          expect(name.normalize('NFC').trim().startsWith(shown)).toBe(true);
          // Half a surrogate pair does not survive UTF-8.
          expect(Buffer.from(masked).toString()).toBe(masked);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('hides every character of the given name one for one', () => {
    fc.assert(
      fc.property(fc.string({ unit: hanOrLatin, minLength: 1, maxLength: 40 }), (name) => {
        const characters = [...name.trim()];
        if (characters.length > 0) expect([...maskName(name)]).toHaveLength(characters.length);
      }),
    );
  });
});

describe('maskPhone', () => {
  it.each(phones)('shows %j as %j', (phone, masked) => {
    expect(maskPhone(phone)).toBe(masked);
  });

  it('hides at least six digits and shows at most five, whatever it is given', () => {
    fc.assert(fc.property(anyPhone, hidesEnough(maskPhone)), { numRuns: 5000 });
  });

  it('the check bites: showing one digit more, or an extension, is noticed', () => {
    const tooMany = (phone: string) => phone.replace(/(\d{4})\d{5}(\d{2})/, '$1*****$2');
    const extension = (phone: string) => maskPhone(phone).replace(/\*+$/, phone.slice(-4));
    for (const broken of [tooMany, extension]) {
      expect(() => hidesEnough(broken)('13812345678-1234')).toThrow();
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

const hanOrLatin = fc.constantFrom(...'欧阳司马张三李四𠮷諸葛Ab ·é');

function hidesEnough(mask: (phone: string) => string): (phone: string) => void {
  return (phone) => {
    const masked = mask(phone);
    expect(masked).toMatch(/^\+?[\d*-]*$/);
    const given = phone.normalize('NFKC').replace(/[^0-9]/g, '').length;
    const shown = masked.replace(/[^0-9]/g, '').length;
    expect(shown).toBeLessThanOrEqual(Math.min(5, Math.max(0, given - 6)));
  };
}
