import { toJson } from '@bufbuild/protobuf';
import { Command } from 'commander';
import { type WaybillVersion, WaybillVersionSchema } from '#proto/queqiao/waybill/v1/waybill_life';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { formatTable } from '../output-table.ts';
import { placeOf, stateName, timeText, withClient } from './waybill-show.ts';

/** `queqiao waybill versions` */
export function versionsCommand(context: CliContext): Command {
  const command = new Command('versions')
    .description('Show what a waybill was, change by change, and who changed it.')
    .argument('<number>', 'waybill number')
    .action((waybillNumber: string, options: ConnectionOptions) =>
      withClient(context, options, async (client) => {
        const { versions } = await client.listWaybillVersions({ waybillNumber });
        if (options.json) {
          for (const version of versions) await printJson(context, toPlain(version));
        } else {
          await write(context.stdout, formatTable(HEADINGS, versions.map(toRow), context));
        }
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function toRow({ waybill, versionTime, changer }: WaybillVersion): string[] {
  if (waybill === undefined) return [];
  return [
    String(waybill.version),
    timeText(versionTime),
    changer === undefined ? '' : [changer.kind, changer.id, changer.apiKeyId].join(' ').trim(),
    stateName(waybill),
    waybill.serviceCode,
    waybill.consignee?.name ?? '',
    placeOf(waybill),
    waybill.weightG > 0 ? `${waybill.weightG} g` : '',
  ];
}

function toPlain(version: WaybillVersion): unknown {
  const options = { useProtoFieldName: true, alwaysEmitImplicit: true };
  return toJson(WaybillVersionSchema, version, options);
}

const HEADINGS = ['version', 'made', 'by', 'state', 'service', 'consignee', 'place', 'weight'];
