import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Command, InvalidArgumentError } from 'commander';
import { parse as parseCsv } from 'csv-parse/sync';
import { createClient } from '#libs/grpc';
import { LabelKeys, labelJwk, verifyLabel } from '#libs/label';
import { LabelFormat, LabelService, LabelSize } from '#proto/queqiao/waybill/v1/label_service';
import type { CliContext } from '../context.ts';
import { each, oneOf } from '../options.ts';
import {
  type ConnectionOptions,
  connect,
  Exit,
  inLanguage,
  itemFacts,
  printJson,
  runAction,
  tellFacts,
  withConnection,
  write,
} from '../output.ts';
import { formatRecord } from '../output-table.ts';
import { FORMATS, type Printed, printToFile, SIZES } from './label-file.ts';
import { templateCommand } from './label-template.ts';

/** `queqiao label print|verify|keys|template` */
export function labelCommand(context: CliContext): Command {
  return new Command('label')
    .description('Print labels, and check the codes on them. / 打印和验证电子面单。')
    .addCommand(printCommand(context))
    .addCommand(verifyCommand(context))
    .addCommand(keysCommand(context))
    .addCommand(templateCommand(context));
}

function printCommand(context: CliContext): Command {
  const command = new Command('print')
    .description('Print labels into a file. Each print is counted, up to a limit.')
    .argument('[number...]', 'waybill numbers')
    .option('--from <file>', 'all that a result file of `queqiao issue` has numbers for')
    .option('--output <file>', 'default labels.pdf, labels.zpl and so on')
    .option(
      '--format <name>',
      'pdf, zpl, png; jsonl: what stands on each',
      oneOf(FORMATS),
      LabelFormat.PDF,
    )
    .option('--size <mm>', '76x130 or 100x180', oneOf(SIZES), LabelSize.LABEL_SIZE_76X130)
    .option('--dpi <n>', '203 or 300, of zpl and png', oneOf({ 203: 203, 300: 300 }))
    .option('--template <id>', "a template of the merchant's own area")
    .option('--text <key=text>', 'text of a field of the template, on all labels', each)
    .option('--reason <text>', "why, for the log of accesses; needed with an operator's key")
    .option('--request-id <uuid>', 'the one of an earlier print answers the same labels again')
    .action((numbers: string[], options: PrintOptions) =>
      runAction(context, options, () => print(context, numbers, options)),
    );
  return withConnection(command);
}

function verifyCommand(context: CliContext): Command {
  const command = new Command('verify')
    .description(
      'Check codes as a scanner reads them from labels; lines of stdin if none is given.',
    )
    .argument('[code...]', 'what the QR codes say')
    .option('--keys <file>', 'list of public keys; no server is asked then')
    .action((codes: string[], options: VerifyOptions) =>
      runAction(context, options, () => verify(context, codes, options)),
    );
  return withConnection(command);
}

function keysCommand(context: CliContext): Command {
  const command = new Command('keys')
    .description('Show the public keys of labels, as a JSON Web Key Set for `label verify --keys`.')
    .action((options: ConnectionOptions) =>
      runAction(context, options, async () => {
        await printJson(context, { keys: await publicKeys(context, options) });
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

async function print(context: CliContext, given: string[], options: PrintOptions): Promise<number> {
  const { from, format, size, template: templateId, reason, requestId } = options;
  const numbers = [...given, ...(from === undefined ? [] : await numbersIn(from))];
  if (numbers.length === 0) throw new Error('give waybill numbers, or --from <result file>');
  using client = createClient(LabelService, connect(context, options));
  const printed = await printToFile({
    client,
    numbers,
    path: options.output ?? `labels.${nameOf(format)}`,
    format,
    size,
    dpi: options.dpi,
    templateId,
    texts: textsOf(options.text),
    reason,
    requestIdOf: () => requestId ?? randomUUID(),
  });
  return await tellPrinted(context, printed, options);
}

/** What became of a print, for people or programs; answers the exit status. */
export async function tellPrinted(
  context: CliContext,
  { files, labels, failures }: Printed,
  { json = false }: { json?: boolean },
): Promise<number> {
  for (const { error } of failures) await tellFacts(context, itemFacts(error), { json });
  if (json) await printJson(context, { files, labels, failed: failures.length });
  else if (files.length > 0) {
    const say = inLanguage(context.env, 'labels printed', '已打印面单');
    await write(context.stdout, `${say}: ${labels}, ${shownFiles(files)}\n`);
  }
  return failures.length > 0 ? Exit.FAILED : Exit.OK;
}

async function verify(
  context: CliContext,
  given: string[],
  options: VerifyOptions,
): Promise<number> {
  const keys =
    options.keys === undefined
      ? new LabelKeys(await publicKeys(context, options))
      : LabelKeys.parse(await readFile(options.keys, 'utf8'));
  const codes = given.length > 0 ? given : createInterface({ input: context.stdin });
  let exit: number = Exit.OK;
  for await (const line of codes) {
    const code = line.trim();
    if (code === '') continue;
    const { isValid, ...facts } = verifyLabel(code, keys);
    if (!isValid) exit = Exit.FAILED;
    const shown = { valid: isValid, ...snakeCase(facts) };
    if (options.json) await printJson(context, shown);
    else await write(context.stdout, formatRecord(asText(shown), context));
  }
  return exit;
}

async function publicKeys(context: CliContext, options: ConnectionOptions) {
  using client = createClient(LabelService, connect(context, options));
  const { keys } = await client.getLabelKeys({});
  return keys.map(({ publicKey }) => labelJwk(Buffer.from(publicKey).toString('base64url')));
}

/** The numbers in a result file of `queqiao issue`, of rows that have a live waybill. */
async function numbersIn(path: string): Promise<string[]> {
  const rows: Record<string, string>[] = parseCsv(await readFile(path), {
    bom: true,
    columns: true,
  });
  const live = rows.filter(({ status }) => status === 'issued' || status === 'already_issued');
  return live.map((row) => row['waybill_number'] ?? '').filter(Boolean);
}

function textsOf(given: string[] = []): Record<string, string> {
  return Object.fromEntries(
    given.map((each) => {
      const [, key = '', text = ''] = /^([^=]+)=(.*)$/s.exec(each) ?? [];
      if (key === '') throw new InvalidArgumentError('Write --text key=text.');
      return [key, text];
    }),
  );
}

function nameOf(format: LabelFormat): string {
  return Object.entries(FORMATS).find(([, each]) => each === format)?.[0] ?? 'pdf';
}

function shownFiles(files: string[]): string {
  const [first = '', second] = files;
  return second === undefined ? first : `${first} … (${files.length})`;
}

function snakeCase(facts: Record<string, unknown>): Record<string, unknown> {
  const named = Object.entries(facts).map(([name, value]) => [
    name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    value instanceof Date ? value.toISOString() : value,
  ]);
  return Object.fromEntries(named);
}

function asText(facts: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, String(value)]));
}

type PrintOptions = ConnectionOptions & {
  from?: string;
  output?: string;
  format: LabelFormat;
  size: LabelSize;
  dpi?: number;
  template?: string;
  text?: string[];
  reason?: string;
  requestId?: string;
};
type VerifyOptions = ConnectionOptions & { keys?: string };
