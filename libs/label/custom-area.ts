import type { Box, Mark, Weight } from './drawing.ts';
import { BASELINE, fitText, LINE_HEIGHT } from './fit.ts';
import type { LabelSize } from './label.ts';

/**
 * What a merchant prints in the area of its own: fields in declared places. Millimetres count from
 * the area's upper left corner.
 */
export type CustomTemplate = {
  readonly size: LabelSize;
  readonly fields: readonly CustomField[];
};

export type CustomField = Box & {
  /** By which a print gives its text: 1 to 32 of a-z, 0-9 and "_". */
  readonly key: string;
  /** Printed in front of the text; may be empty. */
  readonly caption: string;
  /** Height of the letters: it is not shrunk. */
  readonly textSizeMm: number;
  readonly weight: Weight;
  /** Whether a print without it is refused. */
  readonly isRequired: boolean;
};

export type CustomArea = {
  readonly template: CustomTemplate;
  /** Texts by key. */
  readonly values: Readonly<Record<string, string>>;
};

/** How large the area is. */
export const CUSTOM_AREAS: Record<
  LabelSize,
  { readonly widthMm: number; readonly heightMm: number }
> = {
  '76x130': { widthMm: 71, heightMm: 16.5 },
  '100x180': { widthMm: 95, heightMm: 27 },
};
export const CUSTOM_FIELDS_MAX = 20;
export const CUSTOM_TEXT_MAX = 200;
export const TEXT_SIZE_MM = { min: 2, max: 12 };
const KEY = /^[a-z0-9_]{1,32}$/;

/** What is wrong with a template; nothing if it can be printed. */
export function templateProblems({ size, fields }: CustomTemplate): CustomProblem[] {
  if (fields.length < 1 || fields.length > CUSTOM_FIELDS_MAX) {
    return [{ index: -1, kind: 'count' }];
  }
  return fields.flatMap((field, index): CustomProblem[] => {
    if (!KEY.test(field.key)) return [{ index, kind: 'key' }];
    const others = fields.slice(0, index);
    if (others.some(({ key }) => key === field.key)) return [{ index, kind: 'key_repeated' }];
    if (!isWithin(field, CUSTOM_AREAS[size])) return [{ index, kind: 'outside' }];
    if (others.some((other) => overlap(other, field))) return [{ index, kind: 'overlap' }];
    const { textSizeMm } = field;
    if (!(textSizeMm >= TEXT_SIZE_MM.min && textSizeMm <= TEXT_SIZE_MM.max)) {
      return [{ index, kind: 'text_size' }];
    }
    if (textSizeMm * LINE_HEIGHT > field.heightMm + EPSILON_MM) return [{ index, kind: 'too_low' }];
    return captionFits(field) ? [] : [{ index, kind: 'caption' }];
  });
}

/** What is wrong with the texts for a template; nothing if all of them fit. */
export function valueProblems({ template, values }: CustomArea): ValueProblem[] {
  const keys = new Set(template.fields.map(({ key }) => key));
  const unknown = Object.keys(values).filter((key) => !keys.has(key));
  return [
    ...unknown.map((key): ValueProblem => ({ key, kind: 'unknown' })),
    ...template.fields.flatMap((field): ValueProblem[] => {
      const text = textOf(values, field);
      if (text === '') return field.isRequired ? [{ key: field.key, kind: 'missing' }] : [];
      return set(field, text).isCut ? [{ key: field.key, kind: 'overflow' }] : [];
    }),
  ];
}

/** The area's marks, its upper left corner at a place of the label. */
export function customMarks({ template, values }: CustomArea, at: Corner): Mark[] {
  return template.fields.flatMap((field) => {
    const { lines, sizeMm } = set(field, textOf(values, field));
    return lines.map(
      (text, line): Mark => ({
        kind: 'text',
        xMm: at.xMm + field.xMm,
        baselineMm: at.yMm + field.yMm + (line * LINE_HEIGHT + BASELINE) * sizeMm,
        sizeMm,
        weight: field.weight,
        isWhite: false,
        text,
      }),
    );
  });
}

function textOf(values: CustomArea['values'], { key }: CustomField): string {
  return Object.hasOwn(values, key) ? (values[key] ?? '') : '';
}

function set(field: CustomField, text: string) {
  const { widthMm, heightMm, textSizeMm, weight, caption } = field;
  return fitText(caption === '' ? text : `${caption} ${text}`, {
    widthMm,
    heightMm,
    weight,
    sizeMaxMm: textSizeMm,
    sizeMinMm: textSizeMm,
    linesMax: Number.POSITIVE_INFINITY,
  });
}

function captionFits(field: CustomField): boolean {
  return !set(field, '').isCut;
}

function isWithin(box: Box, area: { readonly widthMm: number; readonly heightMm: number }) {
  const { xMm, yMm, widthMm, heightMm } = box;
  return (
    xMm >= 0 &&
    yMm >= 0 &&
    widthMm > 0 &&
    heightMm > 0 &&
    xMm + widthMm <= area.widthMm + EPSILON_MM &&
    yMm + heightMm <= area.heightMm + EPSILON_MM
  );
}

function overlap(a: Box, b: Box): boolean {
  return (
    a.xMm < b.xMm + b.widthMm - EPSILON_MM &&
    b.xMm < a.xMm + a.widthMm - EPSILON_MM &&
    a.yMm < b.yMm + b.heightMm - EPSILON_MM &&
    b.yMm < a.yMm + a.heightMm - EPSILON_MM
  );
}

type Corner = { readonly xMm: number; readonly yMm: number };
const EPSILON_MM = 1e-6;

export type CustomProblem = {
  /** Of the field; -1 for the template as a whole. */
  readonly index: number;
  readonly kind:
    | 'count'
    | 'key'
    | 'key_repeated'
    | 'outside'
    | 'overlap'
    | 'text_size'
    | 'too_low'
    | 'caption';
};

export type ValueProblem = {
  readonly key: string;
  readonly kind: 'unknown' | 'missing' | 'overflow';
};
