import { Command } from 'commander';
import type { AddedService, Waybill } from '#proto/queqiao/waybill/v1/waybill';
import type { CliContext } from '../context.ts';
import { wholeNumber } from '../options.ts';
import { type ConnectionOptions, Exit, withConnection } from '../output.ts';
import { ADDED_SERVICE_HELP, addedServiceOf } from './added-service.ts';
import { show, withClient } from './waybill-show.ts';
import { type ConsigneeOptions, toWho, withConsignee } from './waybill-update.ts';

/** `queqiao waybill return` */
export function returnCommand(context: CliContext): Command {
  const command = new Command('return')
    .description('Draw a waybill for the way back of one that went out. The same again is safe.')
    .argument('<number>', 'number of the outward waybill')
    .requiredOption(
      '--parcel <n>',
      'parcel_no of the return: one that no other parcel of the order has',
      wholeNumber({ min: 1, max: 999 }),
    )
    .option('--courier <id>', 'default: the outward one')
    .option('--service <code>', "one of the courier's services")
    .option('--node <id>', 'where it goes back to; default: where it came from')
    .option('--weight-g <n>', 'grams', wholeNumber({ min: 0, max: 1_000_000 }))
    .option('--goods <text>', 'what is inside')
    .option('--remark <text>', 'note for the courier')
    .option('--added <service>', ADDED_SERVICE_HELP, addedServiceOf)
    .action((outwardWaybillNumber: string, options: ReturnOptions) =>
      withClient(context, options, async (client) => {
        const { issued } = await client.issueReturnWaybill({
          outwardWaybillNumber,
          parcelNo: options.parcel,
          courierId: options.courier ?? '',
          serviceCode: options.service ?? '',
          nodeId: options.node ?? '',
          ...toConsignee(options),
          weightG: options.weightG ?? 0,
          goodsDescription: options.goods ?? '',
          remark: options.remark ?? '',
          addedServices: options.added ?? [],
        });
        const waybillNumber = issued?.waybillNumber ?? '';
        const { waybill } = await client.getWaybill({ waybillNumber });
        await show(context, waybill as Waybill, options);
        return Exit.OK;
      }),
    );
  return withConnection(withConsignee(command));
}

/** An address alone is a consignee without a name, of which the server says what is missing. */
function toConsignee(options: ConsigneeOptions) {
  const who = toWho(options);
  if (who === undefined) return {};
  return { consignee: 'consignee' in who ? who.consignee : { ...who } };
}

type ReturnOptions = ConnectionOptions &
  ConsigneeOptions & {
    parcel: number;
    courier?: string;
    service?: string;
    node?: string;
    weightG?: number;
    goods?: string;
    remark?: string;
    added?: AddedService[];
  };
