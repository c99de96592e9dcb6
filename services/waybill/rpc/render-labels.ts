import type { MessageInitShape } from '@bufbuild/protobuf';
import { RpcError, toItemError } from '#libs/errors';
import type { StreamContext } from '#libs/grpc';
import type { LabelForm } from '#libs/label';
import type {
  LabelItem,
  RenderLabelsRequest,
  RenderLabelsResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { labelToData } from '../label-data.ts';
import { printToMessage } from '../label-print.ts';
import { templates } from '../label-template.ts';
import { type PrintedLabel, printItems } from '../print-labels.ts';
import { type PrintOrder, parsePrintOrder } from '../print-order.ts';

/** What one transaction prints. */
const BLOCK = 200;
/** Labels that are drawn in one go, about 20 ms: others who print wait for no more. */
const DRAWN_TOGETHER = { pdf: 20, zpl: 1, png: 1 } as const;

export async function* renderLabels(
  deps: Deps,
  request: RenderLabelsRequest,
  context: StreamContext,
): AsyncGenerator<Answer> {
  const order = parsePrintOrder(request, context);
  const blocks = blocksOf(deps, order, context);
  const { format, size, dpi } = order;
  if (format === 'data') yield* answerData(blocks);
  else yield* answerFile(deps, { format, size, dpi }, blocks);
}

async function* answerData(blocks: AsyncIterable<PrintedItem[]>): AsyncGenerator<Answer> {
  for await (const block of blocks) {
    for (const { item, result } of block) {
      yield outcomeOf(item, result);
      if (result instanceof RpcError) continue;
      yield { part: { case: 'data', value: labelToData(result.label) } };
    }
  }
}

async function* answerFile(
  { labels: { press } }: Deps,
  form: LabelForm,
  blocks: AsyncIterable<PrintedItem[]>,
): AsyncGenerator<Answer> {
  using file = press.open(form);
  for await (const block of blocks) {
    for (const together of chunksOf(block, DRAWN_TOGETHER[form.format])) {
      // What was counted is told, even if it cannot be drawn.
      for (const { item, result } of together) yield outcomeOf(item, result);
      const printed = together.flatMap(({ itemIndex, result }) =>
        result instanceof RpcError ? [] : [{ itemIndex, label: result.label }],
      );
      if (printed.length === 0) continue;
      const parts = await file.draw(printed.map(({ label }) => label));
      for (const [i, { itemIndex }] of printed.entries()) {
        yield* contentOf(form.format === 'png' ? itemIndex : 0, parts[i]);
      }
    }
  }
  yield* contentOf(0, await file.end());
}

async function* blocksOf(
  deps: Deps,
  order: PrintOrder,
  context: StreamContext,
): AsyncGenerator<PrintedItem[]> {
  const { items, size } = order;
  const templateOf = templates(deps.pool, order.templateId, size);
  if (context.identity.kind === 'merchant' && order.templateId !== '') {
    await templateOf(context.identity.id);
  }
  for (let from = 0; from < items.length; from += BLOCK) {
    const block = items
      .slice(from, from + BLOCK)
      .map((item, i) => ({ item, field: `items[${from + i}]` }));
    const results = await context.work(() =>
      printItems(deps, order, block, { templateOf, context }),
    );
    yield block.map(({ item }, i) => ({
      itemIndex: from + i,
      item,
      result: results[i] as PrintedLabel | RpcError,
    }));
  }
}

function* chunksOf<T>(all: readonly T[], size: number): Generator<T[]> {
  for (let from = 0; from < all.length; from += size) yield all.slice(from, from + size);
}

function* contentOf(itemIndex: number, data: Uint8Array | undefined): Generator<Answer> {
  if (data !== undefined) yield { part: { case: 'content', value: { itemIndex, data } } };
}

function outcomeOf({ waybillNumber }: LabelItem, result: PrintedLabel | RpcError): Answer {
  const outcome =
    result instanceof RpcError
      ? { case: 'error' as const, value: toItemError(result) }
      : { case: 'print' as const, value: printToMessage(result.print) };
  return { part: { case: 'outcome', value: { waybillNumber, outcome } } };
}

type PrintedItem = {
  readonly itemIndex: number;
  readonly item: LabelItem;
  readonly result: PrintedLabel | RpcError;
};
type Answer = MessageInitShape<typeof RenderLabelsResponseSchema>;
