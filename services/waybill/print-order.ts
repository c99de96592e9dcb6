import { createHash } from 'node:crypto';
import { invalid, tooMany } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type { LabelForm } from '#libs/label';
import {
  LabelFormat,
  type LabelItem,
  LabelSize,
  type RenderLabelsRequest,
} from '#proto/queqiao/waybill/v1/label_service';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import { type Ground, parseGround } from './access.ts';
import { mustBeUuid } from './field.ts';
import { parseSize } from './label-template.ts';
import { parseWaybillNumber } from './parcel.ts';

const ITEMS_MAX = { pdf: 50_000, zpl: 1_000, png: 1_000, data: 50_000 } as const;

/** What a request wants printed; throws on what makes all of it senseless. */
export function parsePrintOrder(request: RenderLabelsRequest, context: CallContext): PrintOrder {
  const requestId = mustBeUuid('request_id', request.requestId);
  const format = FORMATS[request.format];
  if (format === undefined) throw invalid('format', 'UNKNOWN_VALUE');
  const { items, dpi, templateId, reason } = request;
  if (items.length === 0) throw invalid('items', 'LIST_SIZE', { min: 1, max: ITEMS_MAX[format] });
  if (items.length > ITEMS_MAX[format]) throw tooMany('items', items.length, ITEMS_MAX[format]);
  if ((format === 'pdf' || format === 'data') && dpi !== 0) throw invalid('dpi', 'NOT_ALLOWED');
  if (format === 'data') refusePaper(request);
  if (dpi !== 0 && dpi !== 203 && dpi !== 300)
    throw invalid('dpi', 'ONE_OF', { values: '203, 300' });
  const seen = new Set<string>();
  for (const [i, { waybillNumber }] of items.entries()) {
    const field = `items[${i}].waybill_number`;
    parseWaybillNumber(field, waybillNumber);
    if (seen.has(waybillNumber)) throw invalid(field, 'REPEATED');
    seen.add(waybillNumber);
  }
  return {
    requestId,
    format,
    size: parseSize('size', request.size),
    dpi: dpi === 300 ? 300 : 203,
    templateId,
    items,
    ground: parseGround({ purpose: Purpose.LABEL_PRINTING, reason }, context.identity),
  };
}

/** Who draws a label by itself chooses its paper and what else stands on it. */
function refusePaper({ size, templateId }: RenderLabelsRequest): void {
  if (size !== LabelSize.LABEL_SIZE_UNSPECIFIED) throw invalid('size', 'NOT_ALLOWED');
  if (templateId !== '') throw invalid('template_id', 'NOT_ALLOWED');
}

/** Tells whether a repeated request is for the same picture. */
export function contentsHash(order: PrintOrder, { customTexts }: LabelItem): Buffer {
  const texts = Object.entries(customTexts).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const { format, size, dpi, templateId } = order;
  const contents = JSON.stringify([format, size, dpi, templateId, texts]);
  return createHash('sha256').update(contents).digest().subarray(0, HASH_BYTES);
}

const HASH_BYTES = 16;
const FORMATS: Partial<Record<LabelFormat, PrintOrder['format']>> = {
  [LabelFormat.UNSPECIFIED]: 'pdf',
  [LabelFormat.PDF]: 'pdf',
  [LabelFormat.ZPL]: 'zpl',
  [LabelFormat.PNG]: 'png',
  [LabelFormat.DATA]: 'data',
};

export type PrintOrder = {
  readonly requestId: string;
  readonly format: LabelForm['format'] | 'data';
  readonly size: LabelForm['size'];
  readonly dpi: LabelForm['dpi'];
  readonly templateId: string;
  readonly items: readonly LabelItem[];
  readonly ground: Ground;
};
