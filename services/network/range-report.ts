import { fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type Bus, subjects } from '#libs/bus';
import { inInbox } from '#libs/db';
import type { Logger } from '#libs/log';
import { NumberRangeReportedSchema } from '#proto/queqiao/waybill/v1/event';
import type { Deps } from './deps.ts';
import { announce, change, SCHEMA } from './events.ts';
import { insertDeadLetter, type RemainingChange, updateRemaining } from './store.ts';

/** Takes the waybill service's reports of how much of each range is left. */
export function consumeRangeReports(bus: Bus, deps: ReportDeps): AsyncDisposable {
  const { pool, now } = deps;
  return bus.consume({
    stream: 'QUEQIAO_WAYBILL',
    durable: CONSUMER,
    filter: subjects.rangeReported('*'),
    // A database that is away does not count. What fails for another reason five times in some
    // seconds fails for ever, and the next report says all that it said.
    maxDeliver: 5,
    retry: { firstMs: 200, maxMs: 5_000 },
    handle: (event) => takeRangeReport(deps, event),
    deadLetter: ({ eventId, subject, payload }, error) =>
      insertDeadLetter(pool, {
        consumer: CONSUMER,
        eventId,
        subject,
        payload,
        error: String(error),
        createTime: now(),
      }),
  });
}

/**
 * Notes one report. A repeat changes nothing, nor does a report that was made before another one
 * already noted. A range that falls to its low-water mark is announced, and logged once.
 */
export async function takeRangeReport(
  deps: ReportDeps,
  { eventId, payload }: { eventId: string; payload: Uint8Array },
): Promise<void> {
  const report = fromBinary(NumberRangeReportedSchema, payload);
  if (report.reportTime === undefined) throw new Error('a range report without report_time');
  const count = {
    rangeId: report.rangeId,
    remainingCount: report.remainingCount,
    countTime: timestampDate(report.reportTime),
    updateTime: deps.now(),
  };
  const crossed = await change(deps, async (tx) => {
    if (!(await inInbox(tx, SCHEMA, CONSUMER, eventId))) return undefined;
    const noted = await updateRemaining(tx, count);
    if (noted === undefined || noted.is_low === noted.was_low) return undefined;
    const { range_id, version, courier_id } = noted;
    await announce(tx, { kind: 'number_range', id: range_id, version, courierId: courier_id });
    return noted;
  });
  if (crossed?.is_low) warn(deps.log, crossed);
}

function warn(log: Pick<Logger, 'warn'>, range: RemainingChange): void {
  const { range_id, courier_id, remaining_count, low_water_count } = range;
  log.warn(
    { range_id, courier_id, remaining_count, low_water_count },
    'a number range is running low; ask the courier for a new one',
  );
}

const CONSUMER = 'network-range-report';

type ReportDeps = Pick<Deps, 'pool' | 'relay' | 'now'> & { log: Pick<Logger, 'warn'> };
