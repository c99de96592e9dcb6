import { strict as assert } from 'node:assert';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Command } from 'commander';
import type { Client } from '#libs/grpc';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import { AddressService } from '#proto/queqiao/waybill/v1/address_service';
import type { CliContext } from '../context.ts';
import { oneOf } from '../options.ts';
import {
  type ConnectionOptions,
  type ErrorFacts,
  Exit,
  errorLine,
  factsOf,
  inLanguage,
  itemFacts,
  printJson,
  withConnection,
  write,
} from '../output.ts';
import { calling } from '../service-client.ts';
import { type DeliveryRow, readDeliveries } from './delivery-rows.ts';
import { openInput } from './input-file.ts';
import { insist } from './insist.ts';
import { inChunks } from './issue-order.ts';
import { openProgress } from './issue-progress.ts';

/** `queqiao address learn <file>`: where parcels were handed over. */
export function learnCommand(context: CliContext): Command {
  const command = new Command('learn')
    .description(
      'Learn from deliveries where addresses are. / 从签收位置学习地址坐标。\n' +
        'Running it again is safe: a waybill counts once.',
    )
    .argument('<file>', `CSV with the columns ${COLUMNS}; "-" reads standard input`)
    .option('--datum <word>', 'wgs84, gcj02 or bd09', oneOf(DATUMS), Location_Datum.WGS84)
    .action((file: string, options: LearnOptions) =>
      withAddresses(context, options, (client) => learn(context, client, file, options)),
    );
  return withConnection(command);
}

async function learn(
  context: CliContext,
  client: Client<typeof AddressService>,
  file: string,
  options: LearnOptions,
): Promise<number> {
  await using input = await openInput(context, file);
  let rowCount = 0;
  let failedCount = 0;
  {
    using progress = openProgress(context, input.totalBytes);
    for await (const rows of inChunks(readDeliveries(input.bytes(), {}), CHUNKS)) {
      const errors = await report(client, rows, options.datum);
      for (const [i, row] of rows.entries()) {
        const error = errors[i];
        if (error !== undefined) failedCount += 1;
        await tell(context, row, error, options);
      }
      rowCount += rows.length;
      progress.update(rowCount, input.bytesRead());
    }
  }
  if (!options.json) {
    const [learnt, failed] = [
      inLanguage(context.env, 'learnt', '已学习'),
      inLanguage(context.env, 'failed', '失败'),
    ];
    await write(
      context.stdout,
      `${learnt}: ${rowCount - failedCount}, ${failed}: ${failedCount}\n`,
    );
  }
  return failedCount > 0 ? Exit.FAILED : Exit.OK;
}

/** What is wrong with each row; undefined for one that was taken. */
async function report(
  client: Client<typeof AddressService>,
  rows: readonly DeliveryRow[],
  datum: Location_Datum,
): Promise<(ErrorFacts | undefined)[]> {
  const points = rows.flatMap((row) => ('delivery' in row ? [pointOf(row, datum)] : []));
  const { outcomes } =
    points.length === 0
      ? { outcomes: [] }
      : await insist(() => client.reportDeliveryPoints({ points }));
  assert.equal(outcomes.length, points.length, 'the server must answer every point');
  const answers = outcomes.values();
  return rows.map((row) => {
    if ('error' in row) return factsOf(row.error);
    const { outcome } = answers.next().value ?? { outcome: { case: undefined } };
    return outcome.case === 'error' ? itemFacts(outcome.value) : undefined;
  });
}

function pointOf({ waybillNumber, delivery }: GoodRow, datum: Location_Datum) {
  const { latitudeDeg, longitudeDeg, time } = delivery;
  return {
    waybillNumber,
    location: { latitudeDeg, longitudeDeg, datum },
    deliveryTime: timestampFromDate(time),
  };
}

/** Programs hear of each row, people of those that failed. */
async function tell(
  context: CliContext,
  { line, waybillNumber }: DeliveryRow,
  error: ErrorFacts | undefined,
  { json }: LearnOptions,
): Promise<void> {
  if (json) {
    const outcome = error === undefined ? { accepted: true } : { error };
    await printJson(context, { line, waybill_number: waybillNumber, ...outcome });
  } else if (error !== undefined) {
    const where = `${inLanguage(context.env, 'line', '行')} ${line} ${waybillNumber}`.trim();
    await write(context.stderr, `${where}: ${errorLine(error, context.env)}\n`);
  }
}

const withAddresses = calling(AddressService, 'operator');

const COLUMNS = 'waybill_number, latitude, longitude, delivery_time';
const DATUMS = {
  wgs84: Location_Datum.WGS84,
  gcj02: Location_Datum.GCJ02,
  bd09: Location_Datum.BD09,
} as const;
/** What one call takes. */
const CHUNKS = { size: 1_000, max: 1_000, belong: () => false };

type LearnOptions = ConnectionOptions & { datum: Location_Datum };
type GoodRow = Extract<DeliveryRow, { delivery: unknown }>;
