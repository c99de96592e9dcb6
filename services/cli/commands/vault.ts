import { toJson } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Command } from 'commander';
import {
  type ConsigneeAccess,
  ConsigneeAccess_Operation,
  ConsigneeAccessSchema,
  type ConsigneeOutcome,
  Purpose,
  VaultService,
} from '#proto/queqiao/waybill/v1/vault_service';
import { type Consignee, ConsigneeSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { CliContext } from '../context.ts';
import { oneOf, wholeNumber } from '../options.ts';
import {
  type ConnectionOptions,
  Exit,
  exitStatusOf,
  itemFacts,
  printJson,
  tellError,
  tellFacts,
  withConnection,
  write,
} from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { eraseMonthCommand, rotateCommand } from './vault-key.ts';
import { showAll } from './waybill-show.ts';

/** `queqiao vault read|find|erase|erase-month|accesses|rotate` */
export function vaultCommand(context: CliContext): Command {
  return new Command('vault')
    .description(
      'Open, find and erase consignees; all of it is logged. / 查看、查找和删除收件人信息。',
    )
    .addCommand(readCommand(context))
    .addCommand(findCommand(context))
    .addCommand(eraseCommand(context))
    .addCommand(eraseMonthCommand(context))
    .addCommand(accessesCommand(context))
    .addCommand(rotateCommand(context));
}

function readCommand(context: CliContext): Command {
  const command = new Command('read')
    .description('Show whole consignees by waybill number.')
    .argument('<number...>', 'waybill numbers')
    .action((numbers: string[], options: GroundOptions) =>
      withVault(context, options, async (vault) => {
        const found: ConsigneeOutcome[] = [];
        for (let from = 0; from < numbers.length; from += READ_MAX) {
          const waybillNumbers = numbers.slice(from, from + READ_MAX);
          const request = { waybillNumbers, ...groundOf(options) };
          found.push(...(await vault.batchGetConsignees(request)).outcomes);
        }
        return showOutcomes(context, found, options);
      }),
    );
  return withConnection(withGround(command));
}

function findCommand(context: CliContext): Command {
  const command = new Command('find')
    .description("Find a merchant's waybills by the consignee's phone, newest first, masked.")
    .argument('<phone>', 'in any writing')
    .option('--merchant <id>', "whose waybills; needed with an operator's key")
    .option('--limit <n>', 'at most so many', wholeNumber({ min: 1, max: 10_000 }), 100)
    .action((phone: string, options: FindOptions) =>
      withVault(context, options, async (vault) => {
        let left = options.limit;
        let pageToken = '';
        let withHeadings = true;
        do {
          const request = { phone, merchantId: options.merchant ?? '', ...groundOf(options) };
          const pageSize = Math.min(left, FIND_MAX);
          const page = await vault.findWaybillsByPhone({ ...request, pageSize, pageToken });
          await showAll(context, page.waybills, { ...options, withHeadings });
          left -= page.waybills.length;
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '' && left > 0);
        return Exit.OK;
      }),
    );
  return withConnection(withGround(command));
}

function eraseCommand(context: CliContext): Command {
  const command = new Command('erase')
    .description('Erase the consignees of waybills for good; numbers, goods and region stay.')
    .argument('<number...>', 'waybill numbers')
    .requiredOption('--reason <text>', 'why, for the log of accesses; no personal data')
    .requiredOption('--yes', 'nothing brings them back')
    .action((numbers: string[], options: ConnectionOptions & { reason: string }) =>
      withVault(context, options, async (vault) => {
        let exit: number = Exit.OK;
        let withHeadings = true;
        for (const waybillNumber of numbers) {
          try {
            const request = { waybillNumber, confirm: waybillNumber, reason: options.reason };
            const { waybill } = await vault.eraseConsignee(request);
            await showAll(context, waybill ? [waybill] : [], { ...options, withHeadings });
            withHeadings = false;
          } catch (error) {
            if (exitStatusOf(error) === Exit.COULD_NOT_RUN) throw error;
            await tellError(context, error, options);
            exit = Exit.FAILED;
          }
        }
        return exit;
      }),
    );
  return withConnection(command);
}

function accessesCommand(context: CliContext): Command {
  const command = new Command('accesses')
    .description('Show who opened, sought or erased consignees, newest first.')
    .option('--merchant <id>', 'only of this merchant')
    .option('--number <number>', 'only of this waybill')
    .option('--limit <n>', 'at most so many', wholeNumber({ min: 1, max: 1_000_000 }), 100)
    .action((options: AccessOptions) =>
      withVault(context, options, async (vault) => {
        let left = options.limit;
        let pageToken = '';
        let withHeadings = true;
        do {
          const { merchant: merchantId = '', number: waybillNumber = '' } = options;
          const pageSize = Math.min(left, LIST_MAX);
          const request = { merchantId, waybillNumber, pageSize, pageToken };
          const page = await vault.listConsigneeAccesses(request);
          await showAccesses(context, page.accesses, { ...options, withHeadings });
          left -= page.accesses.length;
          pageToken = page.nextPageToken;
          withHeadings = false;
        } while (pageToken !== '' && left > 0);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

/** What a caller says when it wants to see something. */
function withGround(command: Command): Command {
  return command
    .requiredOption('--purpose <purpose>', Object.keys(PURPOSES).join(', '), oneOf(PURPOSES))
    .option('--reason <text>', 'why, for the log of accesses; no personal data');
}

function groundOf({ purpose, reason = '' }: GroundOptions) {
  return { purpose, reason };
}

async function showOutcomes(
  context: CliContext,
  outcomes: ConsigneeOutcome[],
  options: ConnectionOptions,
): Promise<number> {
  let exit: number = Exit.OK;
  for (const { waybillNumber, outcome } of outcomes) {
    if (outcome.case === 'consignee') {
      const { value } = outcome;
      if (options.json) {
        const consignee = toJson(ConsigneeSchema, value, { useProtoFieldName: true });
        await printJson(context, { waybill_number: waybillNumber, consignee });
      } else {
        await write(context.stdout, formatRecord(recordOf(waybillNumber, value), context));
      }
    } else if (outcome.case === 'error') {
      await tellFacts(context, itemFacts(outcome.value), options);
      exit = Exit.FAILED;
    }
  }
  return exit;
}

function recordOf(waybillNumber: string, { name, phone, address }: Consignee) {
  const { province = '', city = '', district = '', street = '', detail = '' } = address ?? {};
  const place = [province, city === province ? '' : city, district, street, detail];
  return { waybill_number: waybillNumber, name, phone, address: place.filter(Boolean).join(' ') };
}

async function showAccesses(
  context: CliContext,
  accesses: ConsigneeAccess[],
  { json, withHeadings }: { json?: boolean; withHeadings: boolean },
): Promise<void> {
  if (json) {
    const options = { useProtoFieldName: true, alwaysEmitImplicit: true };
    for (const each of accesses) {
      await printJson(context, toJson(ConsigneeAccessSchema, each, options));
    }
    return;
  }
  const headings = ['time', 'operation', 'caller', 'key', 'merchant', 'number', 'purpose'];
  const rows = accesses.map((each) => [
    each.accessTime ? timestampDate(each.accessTime).toISOString() : '',
    nameOf(ConsigneeAccess_Operation, each.operation),
    [each.callerKind, each.callerId].filter(Boolean).join(' '),
    each.keyId,
    each.merchantId,
    each.waybillNumber,
    each.purpose === Purpose.UNSPECIFIED ? '' : nameOf(Purpose, each.purpose),
    each.reason,
  ]);
  const table = formatTable([...headings, 'reason'], rows, { ...context, withHeadings });
  await write(context.stdout, table);
}

/** `label-printing` for LABEL_PRINTING. */
function nameOf(names: Readonly<Record<string, number | string>>, value: number): string {
  const name = Object.entries(names).find(([, each]) => each === value)?.[0];
  return name?.toLowerCase().replaceAll('_', '-') ?? String(value);
}

const withVault = calling(VaultService);

const PURPOSES = {
  'label-printing': Purpose.LABEL_PRINTING,
  delivery: Purpose.DELIVERY,
  'customer-service': Purpose.CUSTOMER_SERVICE,
  return: Purpose.RETURN,
  'data-subject-request': Purpose.DATA_SUBJECT_REQUEST,
  'legal-request': Purpose.LEGAL_REQUEST,
} as const;

/** What one call may ask for. */
const READ_MAX = 100;
const FIND_MAX = 100;
const LIST_MAX = 1_000;

type GroundOptions = ConnectionOptions & { purpose: Purpose; reason?: string };
type FindOptions = GroundOptions & { merchant?: string; limit: number };
type AccessOptions = ConnectionOptions & { merchant?: string; number?: string; limit: number };
