// For the tests of labels: a shop with keys, and the parts of an answer put together again.
import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { reasonOf } from '#libs/errors';
import {
  type LabelOutcome,
  LabelSize,
  type RenderLabelsRequestSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { TestSystem } from '#test/support/system';

/** Prints, and answers the file and what became of each item. */
export async function render(
  system: Pick<TestSystem, 'label'>,
  apiKey: string,
  request: RenderInit,
): Promise<Rendered> {
  const outcomes: LabelOutcome[] = [];
  const files = new Map<number, Buffer[]>();
  const answers = system.label(apiKey).renderLabels({ requestId: randomUUID(), ...request });
  for await (const { part } of answers) {
    if (part.case === 'outcome') outcomes.push(part.value);
    if (part.case !== 'content') continue;
    const { itemIndex, data } = part.value;
    files.set(itemIndex, [...(files.get(itemIndex) ?? []), Buffer.from(data)]);
  }
  return {
    outcomes,
    files: new Map([...files].map(([index, parts]) => [index, Buffer.concat(parts)])),
  };
}

/** How often it was printed with this print, or why it was not. */
export function shown({ outcome }: LabelOutcome): number | string {
  if (outcome.case === 'print') return outcome.value.printCount;
  const { reason, field, metadata } = outcome.value ?? {};
  const name = reason === undefined ? 'NOTHING' : reasonOf(reason);
  return name === 'FIELD_INVALID' ? `${field} ${metadata?.['problem']}` : name;
}

/** A template of one field, for small labels. */
export function templateOf(templateId: string) {
  const place = { xDmm: 10, yDmm: 10, widthDmm: 300, heightDmm: 50, textSizeDmm: 30 };
  const field = { key: 'shelf', caption: '货架', required: true, bold: true, ...place };
  return { templateId, size: LabelSize.LABEL_SIZE_76X130, fields: [field] };
}

type RenderInit = Exclude<
  MessageInitShape<typeof RenderLabelsRequestSchema>,
  { $typeName: string }
>;
export type Rendered = {
  readonly outcomes: LabelOutcome[];
  /** By index; of one file 0. */
  readonly files: ReadonlyMap<number, Buffer>;
};
