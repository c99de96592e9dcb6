import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Queryable } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import {
  CUSTOM_AREAS,
  CUSTOM_FIELDS_MAX,
  type CustomProblem,
  type CustomTemplate,
  type LabelSize,
  TEXT_SIZE_MM,
  templateProblems,
} from '#libs/label';
import {
  type LabelTemplate,
  type LabelTemplateField,
  LabelTemplateSchema,
  LabelSize as Size,
} from '#proto/queqiao/waybill/v1/label_service';
import { mustBeText } from './field.ts';
import { type LabelTemplateRow, selectTemplate } from './store/label.ts';

const CAPTION_MAX = 20;
const DMM_PER_MM = 10;

export function parseSize(field: string, size: Size): LabelSize {
  const name = SIZES[size];
  if (name === undefined) throw invalid(field, 'UNKNOWN_VALUE');
  return name;
}

/** Checks the fields of a new template for the area of its size. */
export function parseFields({ size, fields }: LabelTemplate): void {
  const name = parseSize('template.size', size);
  for (const [i, { caption }] of fields.entries()) {
    mustBeText(`template.fields[${i}].caption`, caption, 0, CAPTION_MAX);
  }
  const [problem] = templateProblems(drawable(name, fields));
  if (problem !== undefined) throw toError(problem, name);
}

/** A template as labels are drawn by it. */
function customTemplateOf(row: LabelTemplateRow): CustomTemplate {
  const { size, fields } = fromBinary(LabelTemplateSchema, row.body);
  return drawable(parseSize('template.size', size), fields);
}

/**
 * The template of an order for each merchant whose waybills it has: read once, since templates do
 * not change.
 */
export function templates(pool: Queryable, templateId: string, size: LabelSize): TemplateOf {
  const read = new Map<string, Promise<CustomTemplate>>();
  const load = async (merchantId: string) => {
    const row = await selectTemplate(pool, merchantId, templateId);
    if (row === undefined) throw templateNotFound(templateId);
    const template = customTemplateOf(row);
    if (template.size !== size) throw invalid('size', 'AS_TEMPLATE', { size: template.size });
    return template;
  };
  return (merchantId) => {
    const template = read.get(merchantId) ?? load(merchantId);
    read.set(merchantId, template);
    return template;
  };
}

/** What makes two templates the same. */
export function templateBody({ size, fields }: LabelTemplate): Buffer {
  const known = size === Size.LABEL_SIZE_UNSPECIFIED ? Size.LABEL_SIZE_76X130 : size;
  return Buffer.from(
    toBinary(LabelTemplateSchema, create(LabelTemplateSchema, { size: known, fields })),
  );
}

export function templateToMessage(row: LabelTemplateRow): LabelTemplate {
  return create(LabelTemplateSchema, {
    ...fromBinary(LabelTemplateSchema, row.body),
    templateId: row.template_id,
    merchantId: row.merchant_id,
    createTime: timestampFromDate(row.create_time),
  });
}

export function templateNotFound(id: string): RpcError {
  return new RpcError('LABEL_TEMPLATE_NOT_FOUND', { field: 'template_id', metadata: { id } });
}

function drawable(size: LabelSize, fields: LabelTemplateField[]): CustomTemplate {
  return {
    size,
    fields: fields.map((field) => ({
      key: field.key,
      caption: field.caption,
      xMm: field.xDmm / DMM_PER_MM,
      yMm: field.yDmm / DMM_PER_MM,
      widthMm: field.widthDmm / DMM_PER_MM,
      heightMm: field.heightDmm / DMM_PER_MM,
      textSizeMm: field.textSizeDmm / DMM_PER_MM,
      weight: field.bold ? 'bold' : 'medium',
      isRequired: field.required,
    })),
  };
}

function toError({ index, kind }: CustomProblem, size: LabelSize): RpcError {
  const path = `template.fields[${index}]`;
  const { widthMm: width, heightMm: height } = CUSTOM_AREAS[size];
  switch (kind) {
    case 'count':
      return invalid('template.fields', 'LIST_SIZE', { min: 1, max: CUSTOM_FIELDS_MAX });
    case 'key':
      return invalid(`${path}.key`, 'TEMPLATE_KEY');
    case 'key_repeated':
      return invalid(`${path}.key`, 'REPEATED');
    case 'outside':
      return invalid(path, 'OUTSIDE_AREA', { width, height });
    case 'overlap':
      return invalid(path, 'OVERLAPS');
    case 'text_size': {
      const limits = { min: TEXT_SIZE_MM.min * DMM_PER_MM, max: TEXT_SIZE_MM.max * DMM_PER_MM };
      return invalid(`${path}.text_size_dmm`, 'OUT_OF_RANGE', limits);
    }
    case 'too_low':
      return invalid(`${path}.height_dmm`, 'TOO_LOW');
    case 'caption':
      return invalid(`${path}.caption`, 'DOES_NOT_FIT');
  }
}

const SIZES: Partial<Record<Size, LabelSize>> = {
  [Size.LABEL_SIZE_UNSPECIFIED]: '76x130',
  [Size.LABEL_SIZE_76X130]: '76x130',
  [Size.LABEL_SIZE_100X180]: '100x180',
};

export type TemplateOf = (merchantId: string) => Promise<CustomTemplate>;
