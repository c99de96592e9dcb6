import { Command } from 'commander';
import { type AddedService, Extent, type Waybill } from '#proto/queqiao/waybill/v1/waybill';
import type { CliContext } from '../context.ts';
import { wholeNumber } from '../options.ts';
import { type ConnectionOptions, Exit, withConnection } from '../output.ts';
import { ADDED_SERVICE_HELP, addedServiceOf } from './added-service.ts';
import { show, showAll, withClient } from './waybill-show.ts';

/** `queqiao waybill update` */
export function updateCommand(context: CliContext): Command {
  const command = new Command('update')
    .description('Change a waybill before pickup; what is not given stays as it is.')
    .argument('<number>', 'waybill number')
    .option('--based-on <version>', 'fail if the waybill has another version', wholeNumber(VERSION))
    .option('--whole', 'change all parcels of the shipment')
    .option('--weight-g <n>', 'grams', wholeNumber({ min: 0, max: 1_000_000 }))
    .option('--volume-ml <n>', 'millilitres', wholeNumber({ min: 0, max: 10_000_000 }))
    .option('--value-fen <n>', 'value of the goods', wholeNumber({ min: 0, max: 1_000_000_000 }))
    .option('--goods <text>', 'what is inside')
    .option('--remark <text>', 'note for the courier')
    .option('--service <code>', "one of the courier's services")
    .option('--added <service>', `all added services: ${ADDED_SERVICE_HELP}`, addedServiceOf)
    .option('--no-added', 'no added service any more')
    .action((number: string, options: UpdateOptions) =>
      withClient(context, options, async (client) => {
        const waybillNumber = number;
        // Without a version of the caller's own, what was just read is what is changed.
        const version =
          options.basedOn ?? (await client.getWaybill({ waybillNumber })).waybill?.version ?? 0;
        const extent = options.whole ? Extent.SHIPMENT : Extent.PARCEL;
        const change = { ...toWho(options), ...toGoods(options), ...toServices(options) };
        const answer = await client.updateWaybill({ waybillNumber, version, extent, ...change });
        if (options.whole) await showAll(context, answer.shipment, options);
        else await show(context, answer.waybill as Waybill, options);
        return Exit.OK;
      }),
    );
  return withConnection(withConsignee(command));
}

/** Options for a consignee; also of other commands. */
export function withConsignee(command: Command): Command {
  return command
    .option('--name <text>', 'consignee; with --phone and the whole address')
    .option('--phone <number>', 'telephone of the consignee')
    .option('--province <text>', 'address; may be given alone, whole')
    .option('--city <text>', '')
    .option('--district <text>', '')
    .option('--street <text>', '')
    .option('--detail <text>', 'road, number, building, room');
}

/** A consignee where a person is named, an address where it stands alone. */
export function toWho(options: ConsigneeOptions) {
  const { name, phone, province, city, district, street, detail } = options;
  const given = { province, city, district, street, detail };
  const address = Object.values(given).some((part) => part !== undefined)
    ? {
        ...{ province: province ?? '', city: city ?? '', district: district ?? '' },
        ...{ street: street ?? '', detail: detail ?? '' },
      }
    : undefined;
  if (name === undefined && phone === undefined) return address && { address };
  return { consignee: { name: name ?? '', phone: phone ?? '', ...(address && { address }) } };
}

function toGoods({ weightG, volumeMl, valueFen, goods, remark }: UpdateOptions) {
  return {
    ...(weightG !== undefined && { weightG }),
    ...(volumeMl !== undefined && { volumeMl }),
    ...(valueFen !== undefined && { goodsValueFen: BigInt(valueFen) }),
    ...(goods !== undefined && { goodsDescription: goods }),
    ...(remark !== undefined && { remark }),
  };
}

function toServices({ service, added }: UpdateOptions) {
  const addedServices = Array.isArray(added) ? added : [];
  return {
    ...(service !== undefined && { serviceCode: service }),
    // Commander sets `true` where neither --added nor --no-added is given.
    ...(added !== true && added !== undefined && { addedServices: { addedServices } }),
  };
}

const VERSION = { min: 1, max: 2_147_483_647 };

export type ConsigneeOptions = {
  name?: string;
  phone?: string;
  province?: string;
  city?: string;
  district?: string;
  street?: string;
  detail?: string;
};

type UpdateOptions = ConnectionOptions &
  ConsigneeOptions & {
    basedOn?: number;
    whole?: boolean;
    weightG?: number;
    volumeMl?: number;
    valueFen?: number;
    goods?: string;
    remark?: string;
    service?: string;
    added?: AddedService[] | boolean;
  };
