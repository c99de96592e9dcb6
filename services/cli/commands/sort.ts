import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import {
  SortCodeResult_Gap,
  SortCodeResultSchema,
  SortTableSchema,
} from '#proto/queqiao/network/v1/sort_table';
import type { CliContext } from '../context.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { formatRecord } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { flatten, resourceCommand } from './network.ts';
import { fromPlain, type Plain, type Resource, state, toPlain } from './network-resource.ts';
import { lookUpPlaces, type PlaceOptions, withPlaces } from './place.ts';

/** `queqiao sort upload|list|get|update|code` */
export function sortCommand(context: CliContext): Command {
  return resourceCommand(context, SORT_TABLE)
    .addCommand(uploadCommand(context))
    .addCommand(codeCommand(context));
}

const SORT_TABLE: Resource = {
  name: 'sort',
  title: "Couriers' sort codes. / 三段码。",
  idKey: 'sort_table_id',
  columns: ['sort_table_id', 'courier_id', 'state', 'row_count', 'create_time'],
  flags: [state('STATE_')],
  get: async (client, sortTableId) =>
    toPlain(SortTableSchema, (await client.getSortTable({ sortTableId })).sortTable),
  list: async (client, { courierId = '', ...page }) => {
    const { sortTables, nextPageToken } = await client.listSortTables({ ...page, courierId });
    return { items: sortTables.map((each) => toPlain(SortTableSchema, each)), nextPageToken };
  },
  listFlags: [{ flag: '--courier <id>', key: 'courierId', help: 'only of this courier' }],
  update: async (client, plain) => {
    const sortTable = fromPlain(SortTableSchema, plain);
    return toPlain(SortTableSchema, (await client.updateSortTable({ sortTable })).sortTable);
  },
};

function uploadCommand(context: CliContext): Command {
  const command = new Command('upload')
    .description("Upload a courier's own codes, which count from now on.")
    .argument('<id>', 'of the table, chosen by you: the courier with the day, say')
    .argument('<file>', `CSV with the columns ${COLUMNS.join(', ')}`)
    .option('--courier <id>', "whose; needed with an operator's key")
    .action((sortTableId: string, file: string, options: CourierOptions) =>
      withNetwork(context, options, async (client) => {
        const sortTable = { sortTableId, courierId: options.courier ?? '' };
        const rows = readRows(file, await readFile(file, 'utf8'));
        const answer = await client.createSortTable({ sortTable, rows });
        await show(context, toPlain(SortTableSchema, answer.sortTable), options);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function readRows(file: string, text: string) {
  let records: Record<string, string>[];
  try {
    records = parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new Error(`${file} is no CSV: ${(error as Error).message}`);
  }
  const unknown = Object.keys(records[0] ?? {}).find((name) => !COLUMNS.includes(name));
  if (unknown !== undefined) {
    throw new Error(`${file}: no column ${unknown}; there are ${COLUMNS.join(', ')}`);
  }
  return records.map((record) => ({
    place: record['place'] ?? '',
    hubCode: record['hub_code'] ?? '',
    branchCode: record['branch_code'] ?? '',
    routeCode: record['route_code'] ?? '',
    bagDestination: record['bag_destination'] ?? '',
  }));
}

function codeCommand(context: CliContext): Command {
  const command = new Command('code')
    .description('Show by which code a courier sorts parcels for a place.')
    .action((words: string[], options: PlaceOptions) =>
      lookUpPlaces(context, {
        ...{ words, options },
        headings: ['code', 'bag_destination', 'gap'],
        rowOf: ({ sort_code, gap = '' }) => {
          const { text = '', bag_destination = '' } = (sort_code ?? {}) as Plain;
          return [text, bag_destination, String(gap).replace(/^GAP_(?:UNSPECIFIED)?/, '')].map(
            String,
          );
        },
        lookUp: async (network, courierId, places) =>
          (await network.lookUpSortCodes({ courierId, places })).results.map((result) => ({
            plain: toPlain(SortCodeResultSchema, result),
            isFine: result.gap === SortCodeResult_Gap.UNSPECIFIED,
          })),
      }),
    );
  return withPlaces(command);
}

async function show(context: CliContext, plain: Plain, { json }: { json?: boolean }) {
  if (json) await printJson(context, plain);
  else await write(context.stdout, formatRecord(flatten(plain), context));
}

const withNetwork = calling(NetworkService, 'operator');

const COLUMNS = ['place', 'hub_code', 'branch_code', 'route_code', 'bag_destination'];

type CourierOptions = ConnectionOptions & { courier?: string };
