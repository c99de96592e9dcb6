import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { parse } from 'csv-parse/sync';
import {
  DivideTerritoryResponseSchema,
  NetworkService,
  ReportCoverageResponseSchema,
  type SettleTerritoriesResponse,
  SettleTerritoriesResponseSchema,
} from '#proto/queqiao/network/v1/network_service';
import type { CliContext } from '../context.ts';
import { wholeNumber } from '../options.ts';
import { type ConnectionOptions, Exit, printJson, withConnection, write } from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { reachCommand } from './area-reach.ts';
import { AREA } from './area-resource.ts';
import { flatten, resourceCommand } from './network.ts';
import { type Plain, toPlain } from './network-resource.ts';

/** `queqiao area list|get|create|update|divide|reach|report|settle` */
export function areaCommand(context: CliContext): Command {
  return resourceCommand(context, AREA)
    .addCommand(divideCommand(context))
    .addCommand(reachCommand(context))
    .addCommand(reportCommand(context))
    .addCommand(settleCommand(context));
}

function divideCommand(context: CliContext): Command {
  const command = new Command('divide')
    .description('Divide a territory into routes with about the same load each.')
    .argument('<id>', 'the territory')
    .requiredOption('--routes <n>', 'how many', wholeNumber({ min: 1, max: 99 }))
    .option('--loads <file>', 'CSV with the columns cell, parcel_count; without it all count alike')
    .action((areaId: string, options: DivideOptions) =>
      withNetwork(context, options, async (client) => {
        const { routes: routeCount, loads: file } = options;
        const loads = file === undefined ? [] : readLoads(file, await readFile(file, 'utf8'));
        const answer = await client.divideTerritory({ areaId, routeCount, loads });
        const plain = toPlain(DivideTerritoryResponseSchema, answer);
        // A territory's cells are no reading; JSON has them.
        const short = { ...plain, area: undefined, routes: answer.area?.routes.length };
        await show(context, options.json ? plain : short, options);
        return Exit.OK;
      }),
    );
  return withConnection(command);
}

function readLoads(file: string, text: string) {
  let records: Record<string, string>[];
  try {
    records = parse(text, { bom: true, columns: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new Error(`${file} is no CSV: ${(error as Error).message}`);
  }
  return records.map(({ cell = '', parcel_count = '' }, i) => {
    if (/^\d{1,10}$/.test(parcel_count)) return { cell, parcelCount: BigInt(parcel_count) };
    throw new Error(`${file}: record ${i + 1} has no whole number as parcel_count`);
  });
}

function reportCommand(context: CliContext): Command {
  const command = new Command('report')
    .description("Show what two of a courier's territories claim, and what none does.")
    .option('--courier <id>', "whose; needed with an operator's key")
    .action((options: ConnectionOptions & { courier?: string }) =>
      withNetwork(context, options, async (client) => {
        const answer = await client.reportCoverage({ courierId: options.courier ?? '' });
        const plain = toPlain(ReportCoverageResponseSchema, answer);
        await show(context, plain, options);
        const { overlaps, gapCellCount, gapDivisionCodes } = answer;
        const isWhole = overlaps.length + gapDivisionCodes.length === 0 && gapCellCount === 0n;
        return isWhole ? Exit.OK : Exit.FAILED;
      }),
    );
  return withConnection(command);
}

function settleCommand(context: CliContext): Command {
  const command = new Command('settle')
    .description("Give every cell of a courier's service areas to exactly one of its territories.")
    .option('--courier <id>', "whose; needed with an operator's key")
    .option('--dry-run', 'only show what would change')
    .action((options: SettleOptions) =>
      withNetwork(context, options, async (client) => {
        const { courier: courierId = '', dryRun: validateOnly = false } = options;
        const answer = await client.settleTerritories({ courierId, validateOnly });
        if (options.json)
          await printJson(context, toPlain(SettleTerritoriesResponseSchema, answer));
        else await write(context.stdout, settledText(context, answer));
        const { gapCellCountAfter, divisionOverlaps, gapDivisionCodes } = answer;
        const left = divisionOverlaps.length + gapDivisionCodes.length;
        return gapCellCountAfter === 0n && left === 0 ? Exit.OK : Exit.FAILED;
      }),
    );
  return withConnection(command);
}

function settledText(context: CliContext, answer: SettleTerritoriesResponse): string {
  const { changes, divisionOverlaps, gapDivisionCodes } = answer;
  const rows = changes.map(({ areaId, gainedCellCount, lostCellCount, cellCount }) =>
    [areaId, `+${gainedCellCount}`, `-${lostCellCount}`, cellCount].map(String),
  );
  const table = formatTable(['area_id', 'gained', 'lost', 'cells'], rows, context);
  const record = {
    cells_of_several: `${answer.overlapCellCountBefore} -> ${answer.overlapCellCountAfter}`,
    cells_of_none: `${answer.gapCellCountBefore} -> ${answer.gapCellCountAfter}`,
    divisions_of_several: divisionOverlaps.flatMap((each) => each.divisionCodes).join(', '),
    divisions_of_none: gapDivisionCodes.join(', '),
  };
  return (changes.length > 0 ? table : '') + formatRecord(record, context);
}

async function show(context: CliContext, plain: Plain, { json }: { json?: boolean }) {
  if (json) await printJson(context, plain);
  else await write(context.stdout, formatRecord(flatten(plain), context));
}

const withNetwork = calling(NetworkService, 'operator');

type SettleOptions = ConnectionOptions & { courier?: string; dryRun?: boolean };
type DivideOptions = ConnectionOptions & { routes: number; loads?: string };
