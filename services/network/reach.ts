import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  ReachResult_Cause as Cause,
  type ReachResult,
  ReachResultSchema,
  ReachResult_Verdict as Verdict,
} from '#proto/queqiao/network/v1/coverage';
import type { PlaceKeys } from './place.ts';
import type { ReachRow } from './store.ts';

/** What the courier's areas say of a place now. */
export function reachOf(place: PlaceKeys, { at, within, forms, now }: Areas): ReachResult {
  const { cells, divisions } = place;
  if (cells.length + divisions.length === 0) return unknown(Cause.PLACE_UNKNOWN);
  if (!forms.has_cells && !forms.has_divisions) return unknown(Cause.NO_SERVICE_AREA);
  const around = [...cells, ...divisions].flatMap((key) => at.get(key) ?? []);
  const blocks = around.filter((row) => isBlocked(row, now));
  if (blocks.length > 0) return blocked(blocks);
  const narrower = within.get(divisions[0] ?? '') ?? [];
  if (around.some(({ kind }) => kind === 'service')) {
    // A part of it is blocked: which one is meant, is not known.
    if (narrower.some((row) => isBlocked(row, now))) return unknown(Cause.TOO_COARSE);
    return create(ReachResultSchema, { verdict: Verdict.SERVED });
  }
  const mayBeWithin =
    narrower.some(({ kind }) => kind === 'service') ||
    (cells.length === 0 && forms.has_cells) ||
    (divisions.length === 0 && forms.has_divisions);
  if (mayBeWithin) return unknown(Cause.TOO_COARSE);
  return create(ReachResultSchema, { verdict: Verdict.NOT_SERVED, cause: Cause.OUTSIDE });
}

function isBlocked({ kind, start_time, end_time }: ReachRow, now: Date): boolean {
  if (kind !== 'blocked') return false;
  return (start_time === null || start_time <= now) && (end_time === null || now < end_time);
}

/** Blocked until the last of them ends, for its reason. */
function blocked(blocks: readonly ReachRow[]): ReachResult {
  const last = blocks.reduce((a, b) => (endOf(b) > endOf(a) ? b : a));
  return create(ReachResultSchema, {
    verdict: Verdict.NOT_SERVED,
    cause: Cause.BLOCKED,
    reason: last.reason,
    ...(last.end_time && { untilTime: timestampFromDate(last.end_time) }),
  });
}

function endOf({ end_time }: ReachRow): number {
  return end_time?.getTime() ?? Infinity;
}

function unknown(cause: Cause): ReachResult {
  return create(ReachResultSchema, { verdict: Verdict.UNKNOWN, cause });
}

export type Areas = {
  /** By cell or division code. */
  at: ReadonlyMap<string, ReachRow[]>;
  /** What lies below a division, by that division. */
  within: ReadonlyMap<string, ReachRow[]>;
  /** In which forms the courier says where it delivers. */
  forms: { has_cells: boolean; has_divisions: boolean };
  now: Date;
};
