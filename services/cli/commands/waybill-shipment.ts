import { toJson } from '@bufbuild/protobuf';
import { Command } from 'commander';
import { ShipmentSchema } from '#proto/queqiao/waybill/v1/waybill_life';
import type { CliContext } from '../context.ts';
import {
  type ConnectionOptions,
  Exit,
  inLanguage,
  printJson,
  withConnection,
  write,
} from '../output.ts';
import { showAll, withClient } from './waybill-show.ts';

/** `queqiao waybill shipment` */
export function shipmentCommand(context: CliContext): Command {
  const command = new Command('shipment')
    .description('Show all parcels of a shipment, by the number of any of them.')
    .argument('<number>', 'waybill number')
    .action((waybillNumber: string, options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        const { shipment } = await client.getShipment({ waybillNumber });
        if (shipment === undefined) return Exit.FAILED;
        if (options.json) {
          const json = { useProtoFieldName: true, alwaysEmitImplicit: true };
          await printJson(context, toJson(ShipmentSchema, shipment, json));
          return Exit.OK;
        }
        const { parent, children, parcelCount, missingCount } = shipment;
        await showAll(context, [...(parent ? [parent] : []), ...children], options);
        const en = `${missingCount} of ${parcelCount} parcels are not issued yet\n`;
        const zh = `共 ${parcelCount} 个包裹,尚有 ${missingCount} 个未取号\n`;
        if (missingCount > 0) await write(context.stderr, inLanguage(context.env, en, zh));
        return Exit.OK;
      }),
    );
  return withConnection(command);
}
