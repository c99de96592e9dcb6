import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { invalid, RpcError, toItemError, toRpcError } from '#libs/errors';
import { toWgs84 } from '#libs/geo';
import type { CallContext } from '#libs/grpc';
import {
  type DeliveryPoint,
  type DeliveryPointOutcome,
  DeliveryPointOutcomeSchema,
  type ReportDeliveryPointsRequest,
  type ReportDeliveryPointsResponse,
  ReportDeliveryPointsResponseSchema,
} from '#proto/queqiao/waybill/v1/address_service';
import type { Deps } from '../deps.ts';
import { type Delivery, learnPoints } from '../learn-points.ts';
import { parseWaybillNumber } from '../parcel.ts';

const POINTS_MAX = 1_000;
/** What is opened, read and kept at once: other calls have their turn between. */
const BLOCK = 100;
/** How far a courier's clock may be ahead. A fix of the future would stay the newest for long. */
const AHEAD_MS = 300_000;

export async function reportDeliveryPoints(
  deps: Deps,
  { points }: ReportDeliveryPointsRequest,
  context: CallContext,
): Promise<ReportDeliveryPointsResponse> {
  if (points.length === 0 || points.length > POINTS_MAX) {
    throw invalid('points', 'LIST_SIZE', { min: 1, max: POINTS_MAX });
  }
  const parsed = parseAll(points, deps.now());
  const good = parsed.filter((each): each is Delivery => !(each instanceof RpcError));
  const results = new Map<string, RpcError | undefined>();
  for (let from = 0; from < good.length; from += BLOCK) {
    context.signal.throwIfAborted();
    const block = good.slice(from, from + BLOCK);
    const learnt = await learnPoints(deps, block, context);
    for (const [i, { number }] of block.entries()) results.set(number, learnt[i]);
  }
  return create(ReportDeliveryPointsResponseSchema, {
    outcomes: parsed.map((each, i) => {
      const error = each instanceof RpcError ? each : results.get(each.number);
      return toOutcome((points[i] as DeliveryPoint).waybillNumber, error);
    }),
  });
}

/** Each by itself and beside the others: what it says, or what is wrong with it. */
function parseAll(points: readonly DeliveryPoint[], now: Date): (Delivery | RpcError)[] {
  const seen = new Set<string>();
  return points.map((point) => {
    try {
      const number = parseWaybillNumber('waybill_number', point.waybillNumber);
      if (seen.has(number)) throw invalid('waybill_number', 'REPEATED');
      seen.add(number);
      if (point.location === undefined) throw invalid('location', 'REQUIRED');
      return {
        number,
        point: toWgs84(point.location),
        time: parseTime('delivery_time', point.deliveryTime, now),
      };
    } catch (error) {
      return toRpcError(error);
    }
  });
}

function parseTime(field: string, timestamp: Timestamp | undefined, now: Date): Date {
  if (timestamp === undefined) throw invalid(field, 'REQUIRED');
  const time = timestampDate(timestamp);
  if (Number.isNaN(time.getTime())) throw invalid(field, 'TIME');
  if (time.getTime() > now.getTime() + AHEAD_MS) throw invalid(field, 'IN_THE_FUTURE');
  return time;
}

function toOutcome(waybillNumber: string, error: RpcError | undefined): DeliveryPointOutcome {
  return create(DeliveryPointOutcomeSchema, {
    waybillNumber,
    outcome:
      error === undefined
        ? { case: 'accepted', value: true }
        : { case: 'error', value: toItemError(error) },
  });
}
