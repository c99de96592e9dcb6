import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { RpcError } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { untilSignal } from '#libs/run';
import { LabelFormat, LabelService, type LabelSize } from '#proto/queqiao/waybill/v1/label_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { CliContext } from '../context.ts';
import { oneOf } from '../options.ts';
import {
  checkParcel,
  type Encoding,
  encodingNamed,
  fileProblem,
  type OrderRow,
  placeOf,
  readOrders,
} from '../orders.ts';
import {
  type ConnectionOptions,
  connect,
  Exit,
  factsOf,
  inLanguage,
  printJson,
  runAction,
  tellError,
  tellWarning,
  withConnection,
  write,
} from '../output.ts';
import { openInput } from './input-file.ts';
import { inChunks, mapInOrder } from './issue-order.ts';
import { openProgress } from './issue-progress.ts';
import { openResultFile } from './issue-result.ts';
import { createSender, failedRow, type RowResult, type SenderOptions } from './issue-send.ts';
import { IssueSummary } from './issue-summary.ts';
import { tellPrinted } from './label.ts';
import { printToFile, SIZES, sameRequest } from './label-file.ts';

/** `queqiao issue <file>`: waybills for a file of orders. */
export function issueCommand(context: CliContext, retry?: SenderOptions['retry']): Command {
  const command = new Command('issue')
    .description(
      'Draw waybills for the orders of a CSV or JSON lines file. / 为订单文件批量取面单号。\n' +
        'Running it again is safe: nothing is issued twice.',
    )
    .argument('<file>', 'order file; "-" reads standard input')
    .option('--merchant <id>', "whose orders; needed with an operator's key")
    .option('--courier <id>', 'courier of rows that name none')
    .option('--node <id>', 'node of rows that name none')
    .option('--service <code>', 'service of rows that name none')
    .option('--encoding <name>', 'utf-8 or gb18030; default: found from the file', parseEncoding)
    .option('--result <file>', 'result file; default <file>.result.csv')
    .option('--labels <file>', 'also print the labels of all rows with a number, as PDF')
    .option('--label-size <mm>', '76x130 or 100x180', oneOf(SIZES), SIZES['76x130'])
    .option('--dry-run', 'check the file, without a server')
    .action((file: string, options: IssueOptions) =>
      runAction(context, options, () =>
        options.dryRun ? dryRun(context, file, options) : issue(context, file, options, retry),
      ),
    );
  return withConnection(command);
}

async function issue(
  context: CliContext,
  file: string,
  options: IssueOptions,
  retry: SenderOptions['retry'],
): Promise<number> {
  const target = connect(context, options);
  await using input = await openInput(context, file);
  const resultPath = options.result ?? `${input.name}.result.csv`;
  if (resolve(resultPath) === resolve(file)) throw fileProblem('IS_INPUT', placeOf('file'));
  using client = createClient(WaybillService, target);
  using interruption = watchInterrupt(context, () => input.stop());
  const stop = new AbortController();
  const signal = AbortSignal.any([interruption.signal, stop.signal]);
  const send = createSender({
    client,
    merchantId: options.merchant ?? '',
    signal,
    ...(retry && { retry }),
  });
  const rows = untilStopped(readOrders(input.bytes(), readOptions(context, options)), signal);
  const first = await rows.next();
  await using result = await openResultFile(resultPath);
  const summary = new IssueSummary();
  const numbers: string[] = [];
  let fatal: RpcError | undefined;
  {
    using progress = openProgress(context, input.totalBytes);
    const chunks = inChunks(startingWith(first, rows), CHUNKS);
    for await (const chunk of mapInOrder(chunks, { running: 4, held: 16 }, send)) {
      summary.add(chunk.rows);
      if (options.labels !== undefined) numbers.push(...numbersOf(chunk.rows));
      summary.unknown += chunk.unknownCount;
      await result.append(chunk.rows);
      progress.update(summary.rows, input.bytesRead());
      if (chunk.fatal !== undefined && fatal === undefined) {
        fatal = chunk.fatal;
        stop.abort();
        input.stop();
      }
    }
  }
  const isWhole = fatal === undefined && !interruption.signal.aborted;
  if (isWhole) await result.finish();
  const ending = { file, resultPath: isWhole ? resultPath : result.partPath, isWhole, fatal };
  await report(context, options, summary, ending);
  if (fatal !== undefined) return Exit.COULD_NOT_RUN;
  if (!isWhole) return Exit.INTERRUPTED;
  const printed = await printLabels(context, options, numbers);
  return summary.failed > 0 ? Exit.FAILED : printed;
}

/**
 * Labels of what a file has numbers for. The same file again answers the same labels, which counts
 * no print: it is the same request.
 */
async function printLabels(
  context: CliContext,
  options: IssueOptions,
  numbers: string[],
): Promise<number> {
  if (options.labels === undefined || numbers.length === 0) return Exit.OK;
  using client = createClient(LabelService, connect(context, options));
  const printed = await printToFile({
    client,
    numbers,
    path: options.labels,
    format: LabelFormat.PDF,
    size: options.labelSize,
    reason: 'queqiao issue --labels',
    requestIdOf: (part) => sameRequest([String(options.labelSize), ...part]),
  });
  return await tellPrinted(context, printed, options);
}

function numbersOf(rows: readonly RowResult[]): string[] {
  const live = rows.filter(({ status }) => status !== 'failed');
  return live.map(({ waybillNumber }) => waybillNumber);
}

async function dryRun(context: CliContext, file: string, options: IssueOptions): Promise<number> {
  await using input = await openInput(context, file);
  const summary = new IssueSummary();
  for await (const row of readOrders(input.bytes(), readOptions(context, options))) {
    const errors = 'errors' in row ? row.errors : checkParcel(row.parcel);
    if (errors.length > 0) summary.add([failedRow(row, errors.map(factsOf))]);
    else summary.issued += 1;
  }
  if (options.json) {
    const { issued, already_issued, unknown, ...rest } = summary.toJson();
    await printJson(context, { file, dry_run: true, good: issued, ...rest });
  } else {
    await write(context.stdout, summary.toText(context.env, true));
  }
  return summary.failed > 0 ? Exit.FAILED : Exit.OK;
}

async function report(
  context: CliContext,
  options: IssueOptions,
  summary: IssueSummary,
  { file, resultPath, isWhole, fatal }: Ending,
): Promise<void> {
  if (options.json) {
    const error = fatal && { error: factsOf(fatal) };
    const end = { result_file: resultPath, complete: isWhole, ...error };
    await printJson(context, { file, ...summary.toJson(), ...end });
    return;
  }
  const say = (en: string, zh: string) => inLanguage(context.env, en, zh);
  await write(context.stdout, summary.toText(context.env, false));
  await write(context.stdout, `${say('result', '结果文件')}: ${resultPath}\n`);
  if (fatal !== undefined) await tellError(context, fatal, {});
  if (isWhole) return;
  const again = say(
    'Not all rows are done. Run the same command again to go on: nothing is issued twice.',
    '尚有订单未处理,重新运行同一命令即可继续,不会重复取号。',
  );
  await write(context.stderr, `${again}\n`);
}

function readOptions(context: CliContext, options: IssueOptions) {
  const { courier, node, service, encoding } = options;
  return {
    courierId: courier,
    nodeId: node,
    serviceCode: service,
    encoding,
    onWarning: (warning: { textEn: string; textZh: string }) => void tellWarning(context, warning),
  };
}

/** From now until disposed: Ctrl-C aborts the signal; a second one ends the process. */
function watchInterrupt(
  { untilInterrupt = untilSignal }: CliContext,
  onInterrupt: () => void,
): Disposable & { signal: AbortSignal } {
  const interrupted = new AbortController();
  const end = new AbortController();
  void untilInterrupt(end.signal).then(() => {
    if (end.signal.aborted) return;
    interrupted.abort();
    onInterrupt();
  });
  return { signal: interrupted.signal, [Symbol.dispose]: () => end.abort() };
}

/** Ends when stopped, also while it waits for input; never hands on a row that a stop cut. */
async function* untilStopped(
  rows: AsyncIterable<OrderRow>,
  signal: AbortSignal,
): AsyncGenerator<OrderRow> {
  try {
    for await (const row of rows) {
      if (signal.aborted) return;
      yield row;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* startingWith(
  first: IteratorResult<OrderRow, void>,
  rest: AsyncIterable<OrderRow>,
): AsyncGenerator<OrderRow> {
  if (!first.done) yield first.value;
  yield* rest;
}

function parseEncoding(name: string): Encoding {
  const encoding = encodingNamed(name);
  if (encoding === undefined) throw new InvalidArgumentError('It is utf-8 or gb18030.');
  return encoding;
}

/** What one call carries: the parcels of an order together, as a child needs its parent. */
const CHUNKS = {
  size: 100,
  max: 1_000,
  belong: (before: OrderRow, after: OrderRow) => before.orderRef === after.orderRef,
};
type IssueOptions = ConnectionOptions & {
  merchant?: string;
  courier?: string;
  node?: string;
  service?: string;
  encoding?: Encoding;
  result?: string;
  labels?: string;
  labelSize: LabelSize;
  dryRun?: boolean;
};

type Ending = {
  file: string;
  resultPath: string;
  isWhole: boolean;
  fatal: RpcError | undefined;
};
