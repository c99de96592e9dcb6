import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { RpcError, toItemError } from '#libs/errors';
import type { StreamContext } from '#libs/grpc';
import { type Drawing, layOut, pdfOf, pngOf, zplOf } from '#libs/label';
import type {
  LabelContentSchema,
  LabelItem,
  RenderLabelsRequest,
  RenderLabelsResponseSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { Deps } from '../deps.ts';
import { printToMessage } from '../label-print.ts';
import { templates } from '../label-template.ts';
import { type PrintedLabel, printItems } from '../print-labels.ts';
import { type PrintOrder, parsePrintOrder } from '../print-order.ts';

/** What one transaction prints. */
const BLOCK = 200;

export async function* renderLabels(
  deps: Deps,
  request: RenderLabelsRequest,
  context: StreamContext,
): AsyncGenerator<Answer> {
  const order = parsePrintOrder(request, context);
  // Drawn one by one as the file asks for them; what became of each is told as it is known.
  const outcomes: Answer[] = [];
  const drawings = drawingsOf(deps, order, context, (item, result) => {
    outcomes.push(outcomeOf(item, result));
  });
  for await (const content of contentsOf(order, drawings)) {
    yield* outcomes.splice(0);
    yield { part: { case: 'content', value: content } };
  }
  yield* outcomes.splice(0);
}

async function* drawingsOf(
  deps: Deps,
  order: PrintOrder,
  context: StreamContext,
  tell: (item: LabelItem, result: PrintedLabel | RpcError) => void,
): AsyncGenerator<Drawn> {
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
    for (const [i, { item }] of block.entries()) {
      const result = results[i] as PrintedLabel | RpcError;
      tell(item, result);
      if (result instanceof RpcError) continue;
      yield { itemIndex: from + i, drawing: layOut(result.label, size) };
      // A label takes a millisecond, as a picture twenty: calls that wait are served in between.
      await letOthersRun();
    }
  }
}

async function* contentsOf(
  { format, dpi }: PrintOrder,
  drawings: AsyncIterable<Drawn>,
): AsyncGenerator<Content> {
  if (format === 'pdf') {
    for await (const data of pdfOf(onlyDrawings(drawings))) yield { itemIndex: 0, data };
    return;
  }
  for await (const { itemIndex, drawing } of drawings) {
    if (format === 'png') yield { itemIndex, data: pngOf(drawing, dpi) };
    else yield { itemIndex: 0, data: Buffer.from(zplOf(drawing, dpi)) };
  }
}

async function* onlyDrawings(drawings: AsyncIterable<Drawn>): AsyncGenerator<Drawing> {
  for await (const { drawing } of drawings) yield drawing;
}

function outcomeOf({ waybillNumber }: LabelItem, result: PrintedLabel | RpcError): Answer {
  const outcome =
    result instanceof RpcError
      ? { case: 'error' as const, value: toItemError(result) }
      : { case: 'print' as const, value: printToMessage(result.print) };
  return { part: { case: 'outcome', value: { waybillNumber, outcome } } };
}

type Drawn = { readonly itemIndex: number; readonly drawing: Drawing };
type Answer = MessageInitShape<typeof RenderLabelsResponseSchema>;
type Content = MessageInitShape<typeof LabelContentSchema>;
