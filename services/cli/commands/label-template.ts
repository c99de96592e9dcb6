import { readFile } from 'node:fs/promises';
import { fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { Command } from 'commander';
import {
  LabelService,
  type LabelTemplate,
  LabelTemplateSchema,
} from '#proto/queqiao/waybill/v1/label_service';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';

/** `queqiao label template create|get|list` */
export function templateCommand(context: CliContext): Command {
  return new Command('template')
    .description("Declare what is printed in the merchant's own area of labels.")
    .addCommand(createCommand(context))
    .addCommand(getCommand(context))
    .addCommand(listCommand(context));
}

function createCommand(context: CliContext): Command {
  const command = new Command('create')
    .description('Declare a template; it cannot be changed later.')
    .argument('<file>', 'JSON as `get --json` shows it: template_id, size, fields')
    .action((file: string, options: ConnectionOptions) =>
      withLabels(context, options, async (client) => {
        const template = readTemplate(file, await readFile(file, 'utf8'));
        const answer = await client.createLabelTemplate({ template });
        await show(context, answer.template ? [answer.template] : [], options);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function getCommand(context: CliContext): Command {
  const command = new Command('get')
    .description('Show a template.')
    .argument('<id>', 'which')
    .option('--merchant <id>', "whose; needed with an operator's key")
    .action((templateId: string, options: TemplateOptions) =>
      withLabels(context, options, async (client) => {
        const { merchant: merchantId = '' } = options;
        const { template } = await client.getLabelTemplate({ merchantId, templateId });
        await show(context, template ? [template] : [], options);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function listCommand(context: CliContext): Command {
  const command = new Command('list')
    .description("Show a merchant's templates.")
    .option('--merchant <id>', "whose; needed with an operator's key")
    .action((options: TemplateOptions) =>
      withLabels(context, options, async (client) => {
        const { merchant: merchantId = '' } = options;
        let pageToken = '';
        let withHeadings = true;
        do {
          const page = await client.listLabelTemplates({ merchantId, pageToken, pageSize: 1_000 });
          await show(context, page.templates, { ...options, withHeadings });
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '');
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function readTemplate(file: string, text: string): LabelTemplate {
  try {
    return fromJson(LabelTemplateSchema, JSON.parse(text) as JsonValue);
  } catch (error) {
    throw new Error(`${file} is no template: ${(error as Error).message}`);
  }
}

async function show(
  context: CliContext,
  templates: LabelTemplate[],
  { json, withHeadings = true }: { json?: boolean; withHeadings?: boolean },
): Promise<void> {
  if (json) {
    for (const template of templates) {
      await printJson(context, toJson(LabelTemplateSchema, template, { useProtoFieldName: true }));
    }
    return;
  }
  const rows = templates.map((template) => [
    template.templateId,
    template.merchantId,
    SIZE_NAMES[template.size] ?? '',
    template.fields.map(({ key }) => key).join(' '),
  ]);
  const headings = ['template_id', 'merchant_id', 'size', 'fields'];
  await write(context.stdout, formatTable(headings, rows, { ...context, withHeadings }));
}

const withLabels = calling(LabelService);

const SIZE_NAMES = ['', '76x130', '100x180'];

type TemplateOptions = ConnectionOptions & { merchant?: string };
