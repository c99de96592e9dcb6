import { describe, expect, test } from 'vitest';
import {
  CUSTOM_AREAS,
  CUSTOM_FIELDS_MAX,
  type CustomField,
  templateProblems,
  valueProblems,
} from './custom-area.ts';
import { sampleCustom, sampleLabel, sampleTemplate } from './label.fixture.ts';
import { layOut } from './layout.ts';

const field: CustomField = {
  key: 'note',
  caption: '',
  xMm: 1,
  yMm: 1,
  widthMm: 30,
  heightMm: 5,
  textSizeMm: 3,
  weight: 'medium',
  isRequired: false,
};

describe('a template', () => {
  test('that fills the area of its size is taken', () => {
    expect(templateProblems(sampleTemplate('76x130'))).toEqual([]);
    expect(templateProblems(sampleTemplate('100x180'))).toEqual([]);
    const whole = { ...field, xMm: 0, yMm: 0, ...CUSTOM_AREAS['76x130'] };
    expect(templateProblems({ size: '76x130', fields: [whole] })).toEqual([]);
  });

  test.each<[string, Partial<CustomField>]>([
    ['key', { key: '' }],
    ['key', { key: 'Note' }],
    ['key', { key: 'a'.repeat(33) }],
    ['outside', { xMm: -0.1 }],
    ['outside', { xMm: 42 }],
    ['outside', { yMm: 12 }],
    ['outside', { widthMm: 0 }],
    ['outside', { widthMm: Number.NaN }],
    ['outside', { heightMm: Number.POSITIVE_INFINITY }],
    ['text_size', { textSizeMm: 1.9 }],
    ['text_size', { textSizeMm: Number.NaN }],
    ['too_low', { textSizeMm: 5 }],
    ['caption', { caption: '非常长的一个标题啊放不下' }],
  ])('is refused for its field: %s %o', (kind, change) => {
    const fields = [{ ...field, ...change }];
    expect(templateProblems({ size: '76x130', fields })).toEqual([{ index: 0, kind }]);
  });

  test('is refused for no field, for too many, and for two in one place or of one name', () => {
    const problems = (fields: CustomField[]) => templateProblems({ size: '76x130', fields });
    expect(problems([])).toEqual([{ index: -1, kind: 'count' }]);
    const many = Array.from({ length: CUSTOM_FIELDS_MAX + 1 }, () => field);
    expect(problems(many)).toEqual([{ index: -1, kind: 'count' }]);
    const beside = { ...field, key: 'b', xMm: 31 };
    expect(problems([field, beside])).toEqual([]);
    expect(problems([field, { ...beside, xMm: 30 }])).toEqual([{ index: 1, kind: 'overlap' }]);
    expect(problems([field, { ...beside, key: 'note' }])).toEqual([
      { index: 1, kind: 'key_repeated' },
    ]);
  });
});

describe('texts for a template', () => {
  const template = sampleTemplate('76x130');

  test('are refused when unknown, missing or too long to be printed whole', () => {
    expect(valueProblems({ template, values: { goods: '茶', shelf: '' } })).toEqual([]);
    expect(valueProblems({ template, values: {} })).toEqual([{ key: 'goods', kind: 'missing' }]);
    expect(valueProblems({ template, values: { goods: '茶', constructor: 'x' } })).toEqual([
      { key: 'constructor', kind: 'unknown' },
    ]);
    expect(
      valueProblems({ template, values: { goods: '茶'.repeat(30), shelf: 'B-07-3-99' } }),
    ).toEqual([
      { key: 'goods', kind: 'overflow' },
      { key: 'shelf', kind: 'overflow' },
    ]);
  });

  test('stand where the template says, below all else', () => {
    const drawing = layOut(sampleLabel({ custom: sampleCustom('76x130') }), '76x130');
    const shelf = drawing.marks.find((mark) => mark.kind === 'text' && mark.text === 'B-07-3');
    expect(shelf).toMatchObject({ xMm: 48.5, sizeMm: 6, weight: 'bold' });
    expect(drawing.marks.flatMap((mark) => (mark.kind === 'text' ? [mark.text] : []))).toContain(
      '拣货 龙井 250g ×2，茶则 ×1',
    );
  });
});
