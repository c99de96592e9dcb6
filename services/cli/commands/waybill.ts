import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Command } from 'commander';
import { ErrorReason } from '#proto/queqiao/type/v1/error_reason';
import { Extent, type Waybill, Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { WaybillOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import type { CliContext } from '../context.ts';
import { oneOf, parseMoment, wholeNumber } from '../options.ts';
import {
  type ConnectionOptions,
  Exit,
  exitStatusOf,
  tellError,
  withConnection,
} from '../output.ts';
import { recallCommand, releaseCommand } from './waybill-move.ts';
import { returnCommand } from './waybill-return.ts';
import { shipmentCommand } from './waybill-shipment.ts';
import { STATES, show, showAll, showOutcomes, withClient } from './waybill-show.ts';
import { updateCommand } from './waybill-update.ts';
import { versionsCommand } from './waybill-versions.ts';

/** `queqiao waybill …`: everything about waybills that exist. */
export function waybillCommand(context: CliContext): Command {
  return new Command('waybill')
    .description('Read, change and cancel waybills. / 查询、修改和取消面单。')
    .addCommand(getCommand(context))
    .addCommand(findCommand(context))
    .addCommand(listCommand(context))
    .addCommand(cancelCommand(context))
    .addCommand(updateCommand(context))
    .addCommand(versionsCommand(context))
    .addCommand(shipmentCommand(context))
    .addCommand(returnCommand(context))
    .addCommand(releaseCommand(context))
    .addCommand(recallCommand(context));
}

function getCommand(context: CliContext): Command {
  const command = new Command('get')
    .description('Show waybills by number.')
    .argument('<number...>', 'waybill numbers')
    .action((numbers: string[], options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        if (numbers.length === 1) {
          const [waybillNumber = ''] = numbers;
          const { waybill } = await client.getWaybill({ waybillNumber });
          await show(context, waybill as Waybill, options);
          return Exit.OK;
        }
        const found: WaybillOutcome[] = [];
        for (let from = 0; from < numbers.length; from += BATCH_MAX) {
          const waybillNumbers = numbers.slice(from, from + BATCH_MAX);
          found.push(...(await client.batchGetWaybills({ waybillNumbers })).outcomes);
        }
        return showOutcomes(context, found, options);
      }),
    );
  return withConnection(command);
}

function findCommand(context: CliContext): Command {
  const command = new Command('find')
    .description('Show the waybills of an order.')
    .argument('<order_ref>', "the merchant's order number")
    .option('--parcel <n>', 'only this parcel', wholeNumber({ min: 1, max: 999 }))
    .option('--merchant <id>', "whose order; needed with an operator's key")
    .action((orderRef: string, options: FindOptions) =>
      withClient(context, options, async (client) => {
        const { parcel, merchant: merchantId = '' } = options;
        const lookUp = async (parcelNos: number[]) => {
          const keys = parcelNos.map((parcelNo) => ({ orderRef, parcelNo }));
          return (await client.lookUpWaybills({ merchantId, keys })).outcomes;
        };
        if (parcel !== undefined) return showOutcomes(context, await lookUp([parcel]), options);
        return showOutcomes(context, await lookUpAll(lookUp), options);
      }),
    );
  return withConnection(command);
}

/** Parcels are numbered from 1: asks for ten more as long as all of the last ten are there. */
async function lookUpAll(
  lookUp: (parcelNos: number[]) => Promise<WaybillOutcome[]>,
): Promise<WaybillOutcome[]> {
  const found: WaybillOutcome[] = [];
  let first: WaybillOutcome | undefined;
  for (let from = 1; from <= 991; from += 10) {
    const outcomes = await lookUp(
      Array.from({ length: Math.min(10, 1000 - from) }, (_, i) => from + i),
    );
    first ??= outcomes[0];
    const there = outcomes.filter(({ outcome }) => !isNotFound(outcome));
    found.push(...there);
    if (there.length < outcomes.length) break;
  }
  return found.length === 0 && first !== undefined ? [first] : found;
}

function isNotFound(outcome: WaybillOutcome['outcome']): boolean {
  return outcome.case === 'error' && outcome.value.reason === ErrorReason.WAYBILL_NOT_FOUND;
}

function listCommand(context: CliContext): Command {
  const moment = (text: string) => parseMoment(text, context.now());
  const command = new Command('list')
    .description('List waybills, newest first.')
    .option('--state <state>', Object.keys(STATES).join(' or '), oneOf(STATES))
    .option('--courier <id>', 'only this courier')
    .option('--node <id>', 'only this node')
    .option('--from <time>', 'issued then or later: 2026-06-18, 12h, 7d', moment)
    .option('--to <time>', 'issued before then', moment)
    .option('--limit <n>', 'at most so many', wholeNumber({ min: 1, max: 10_000_000 }), 100)
    .option('--merchant <id>', "whose waybills; needed with an operator's key")
    .action((options: ListOptions) =>
      withClient(context, options, async (client) => {
        let left = options.limit;
        let pageToken = '';
        let isFirst = true;
        do {
          const pageSize = Math.min(left, BATCH_MAX);
          const page = await client.listWaybills({ ...toFilter(options), pageSize, pageToken });
          await showAll(context, page.waybills, { ...options, withHeadings: isFirst });
          left -= page.waybills.length;
          pageToken = page.nextPageToken;
          isFirst = false;
        } while (pageToken !== '' && left > 0);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function toFilter({ merchant, courier, node, state, from, to }: ListOptions) {
  return {
    merchantId: merchant ?? '',
    courierId: courier ?? '',
    nodeId: node ?? '',
    state: state ?? Waybill_State.UNSPECIFIED,
    ...(from && { issueTimeFrom: timestampFromDate(from) }),
    ...(to && { issueTimeBefore: timestampFromDate(to) }),
  };
}

function cancelCommand(context: CliContext): Command {
  const command = new Command('cancel')
    .description('Give up waybills before pickup; their numbers are never used again.')
    .argument('<number...>', 'waybill numbers')
    .requiredOption('--reason <text>', 'why, for people')
    .option('--whole', 'with all parcels of the shipment')
    .action((numbers: string[], options: CancelOptions) =>
      withClient(context, options, async (client) => {
        let isFirst = true;
        let exit: number = Exit.OK;
        for (const waybillNumber of numbers) {
          try {
            const { reason, whole = false } = options;
            const extent = whole ? Extent.SHIPMENT : Extent.PARCEL;
            const answer = await client.cancelWaybill({ waybillNumber, reason, extent });
            const cancelled = whole ? answer.shipment : [answer.waybill as Waybill];
            await showAll(context, cancelled, { ...options, withHeadings: isFirst });
            isFirst = false;
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

/** What one call may ask for. */
const BATCH_MAX = 1_000;

type FindOptions = ConnectionOptions & { parcel?: number; merchant?: string };

type CancelOptions = ConnectionOptions & { reason: string; whole?: boolean };

type ListOptions = ConnectionOptions & {
  state?: Waybill_State;
  courier?: string;
  node?: string;
  from?: Date;
  to?: Date;
  limit: number;
  merchant?: string;
};
