import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Box, Drawing, Mark } from './drawing.ts';
import { sampleCustom, sampleLabel } from './label.fixture.ts';
import { LABEL_SIZES, type Label, type LabelSize } from './label.ts';
import { layOut, numberFits } from './layout.ts';
import { typeface } from './typeface.ts';

const TEXT_SIZE_MIN_MM = 1.99;
const sizes = fc.constantFrom(...(Object.keys(LABEL_SIZES) as LabelSize[]));

describe('a laid out label', () => {
  test('has no text over another, over a code or over the edge, whatever its texts are', () => {
    fc.assert(
      fc.property(labels(), sizes, (label, size) => {
        expect(faultsOf(layOut({ ...label, custom: sampleCustom(size) }, size))).toEqual([]);
      }),
      { numRuns: 150 },
    );
  });

  test('is found at fault by that check when it is: its twin', () => {
    const drawing = layOut(sampleLabel(), '76x130');
    const moved = drawing.marks.map((mark) =>
      mark.kind === 'text' && mark.text === '寄' ? { ...mark, xMm: mark.xMm + 6 } : mark,
    );
    expect(faultsOf({ ...drawing, marks: moved })).not.toEqual([]);
    const outside = drawing.marks.map((mark) => ({ ...mark, xMm: mark.xMm + 60 }));
    expect(faultsOf({ ...drawing, marks: outside })).not.toEqual([]);
  });

  test("says what a courier needs, in China's time", () => {
    const texts = textsOf(layOut(sampleLabel(), '76x130'));
    for (const text of [
      '灵鹊速递',
      '2/5',
      '571-A03-08',
      '7732 1234 5678 901',
      '集包 杭州转运中心',
      '补打1 2026-11-25 20:34',
      '欧阳**  138******78',
      '代收货款 ¥1,280.50',
      '保价 ¥5,000.00',
      '母单 773212345678900',
      '订单 SO-20261125-000173',
    ]) {
      expect(texts).toContain(text);
    }
  });

  test('leaves out what there is not: no invented code, no count of one parcel', () => {
    const label = sampleLabel({
      sortCode: undefined,
      bagDestination: '',
      services: [],
      parcelNo: 1,
      parcelCount: 1,
      parentNumber: undefined,
      goodsDescription: '',
      weightG: 0,
      reprintCount: 0,
    });
    const texts = textsOf(layOut(label, '76x130')).join('\n');
    expect(texts).not.toMatch(/571-A03|集包|代收|保价|母单|品名|重量|补打|1\/1/);
    expect(texts).toContain('2026-11-25 20:34');
  });

  test('writes every kind of service', () => {
    const label = sampleLabel({
      services: [
        { kind: 'cold_chain', minDecic: -185, maxDecic: 80 },
        { kind: 'freight', pieceCount: 3, package: '木箱' },
        { kind: 'other', text: '送货上门' },
        { kind: 'cod', amountFen: 123_456_789n },
        { kind: 'insured', valueFen: 5n },
      ],
    });
    const texts = textsOf(layOut(label, '100x180')).join('\n');
    for (const text of ['冷链 -18.5~8.0 ℃', '货运 3件 木箱', '送货上门', '保价 ¥0.05']) {
      expect(texts).toContain(text);
    }
    expect(texts).toContain('代收货款 ¥1,234,567.89');
  });

  test('shows 〓 for what the typeface lacks and leaves out what has no shape', () => {
    const consignee = { name: '𪚥**', phone: '1\u200B38', address: '😀路\n1号\uFE0F é' };
    const texts = textsOf(layOut(sampleLabel({ consignee }), '76x130'));
    expect(texts).toContain('〓**  138');
    expect(texts).toContain('〓路 1号 é');
  });

  test('is refused for a number whose bars would be too thin', () => {
    expect(numberFits('7'.repeat(32), '76x130')).toBe(true);
    expect(numberFits('SF'.repeat(10), '76x130')).toBe(true);
    expect(numberFits('SF'.repeat(16), '76x130')).toBe(false);
    expect(numberFits('SF'.repeat(14), '100x180')).toBe(true);
    const tooLong = sampleLabel({ waybillNumber: 'SF'.repeat(16) });
    expect(() => layOut(tooLong, '76x130')).toThrow(/too long/);
  });
});

/** Texts of any length and script that the contract lets through. */
function labels(): fc.Arbitrary<Label> {
  const text = (maxLength: number) =>
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength }),
      fc.string({ unit: fc.constantFrom(...'浙江省杭州市西湖区文三路W1 -*8号'), maxLength }),
    );
  const party = fc.record({ name: text(40), phone: text(24), address: text(300) });
  const money = fc.bigInt({ min: 0n, max: 1_000_000_000n });
  const service = fc.oneof(
    fc.record({ kind: fc.constant('other' as const), text: text(60) }),
    fc.record({ kind: fc.constant('insured' as const), valueFen: money }),
    fc.record({
      kind: fc.constant('freight' as const),
      pieceCount: fc.nat(999),
      package: text(20),
    }),
  );
  const cod = fc.record({ kind: fc.constant('cod' as const), amountFen: money });
  const cold = fc.constant({ kind: 'cold_chain' as const, minDecic: -1000, maxDecic: 1000 });
  return fc
    .record({
      courierName: text(40),
      serviceName: text(40),
      waybillNumber: fc.stringMatching(/^[A-Z0-9]{5,20}$/),
      sortCode: fc.option(
        text(24).map((code) => ({ hub: '', branch: '', route: '', text: code })),
        { nil: undefined },
      ),
      bagDestination: text(40),
      consignee: party,
      sender: party,
      services: fc
        .tuple(fc.option(cod), fc.option(cold), fc.array(service, { maxLength: 8 }))
        .map(([first, second, others]) =>
          [first, second, ...others].filter((each) => each !== null),
        ),
      parcelNo: fc.integer({ min: 1, max: 999 }),
      parcelCount: fc.integer({ min: 1, max: 999 }),
      parentNumber: fc.option(fc.constant('A'.repeat(32)), { nil: undefined }),
      orderRef: fc.string({ minLength: 1, maxLength: 64 }),
      goodsDescription: text(100),
      weightG: fc.nat(1_000_000),
      reprintCount: fc.nat(99),
    })
    .map((label) => sampleLabel(label));
}

function faultsOf({ widthMm, heightMm, marks }: Drawing): string[] {
  const texts = marks.filter((mark) => mark.kind === 'text' && mark.text !== '');
  const boxes = [...texts, ...marks.filter(isCode)].map((mark) => ({ mark, box: boxOf(mark) }));
  return boxes.flatMap(({ mark, box }, index) => {
    const name = `${mark.kind} ${'text' in mark ? mark.text : ''}`;
    const others = boxes.slice(index + 1).filter((other) => overlaps(other.box, box));
    const isInside =
      box.xMm >= 1.99 &&
      box.yMm >= 1.99 &&
      box.xMm + box.widthMm <= widthMm - 1.99 &&
      box.yMm + box.heightMm <= heightMm - 1.99;
    return [
      ...(isInside ? [] : [`${name} is outside`]),
      ...(mark.kind === 'text' && mark.sizeMm < TEXT_SIZE_MIN_MM ? [`${name} is small`] : []),
      ...others.map((other) => `${name} lies on ${JSON.stringify(other.mark)}`),
    ];
  });
}

function isCode({ kind }: Mark): boolean {
  return kind === 'qr' || kind === 'code128';
}

function boxOf(mark: Mark): Box {
  if (mark.kind !== 'text') return mark;
  const { xMm, baselineMm, sizeMm, weight, text } = mark;
  const yMm = baselineMm - 0.88 * sizeMm;
  return { xMm, yMm, widthMm: typeface(weight).widthOf(text) * sizeMm, heightMm: 1.03 * sizeMm };
}

function overlaps(a: Box, b: Box): boolean {
  const across = Math.min(a.xMm + a.widthMm, b.xMm + b.widthMm) - Math.max(a.xMm, b.xMm);
  const down = Math.min(a.yMm + a.heightMm, b.yMm + b.heightMm) - Math.max(a.yMm, b.yMm);
  return across > 0.01 && down > 0.01;
}

function textsOf({ marks }: Drawing): string[] {
  return marks.flatMap((mark) => (mark.kind === 'text' ? [mark.text] : []));
}
