import { numberSpan } from '../number.ts';
import type { AuditedCursor, AuditedLease } from '../store/audit.ts';
import { spanKey } from '../store/lease.ts';
import { Check } from './check.ts';
import type { Network } from './network.ts';

/** I4, of the leases: disjoint, inside of their ranges, nothing beyond the cursors. */
export async function checkLeases(
  leases: AsyncIterable<AuditedLease[]>,
  cursors: AuditedCursor[],
  { ranges }: Network,
): Promise<Check[]> {
  const disjoint = new Check('leases-disjoint');
  const inRange = new Check('leases-in-range');
  let before: AuditedLease | undefined;
  for await (const page of leases) {
    for (const lease of page) {
      const meets = before !== undefined && lease.low <= before.high;
      disjoint.examine(meets ? `leases ${before?.lease_id} and ${lease.lease_id}` : undefined);
      // The one that reaches further counts: a long lease may cover several short ones.
      if (before === undefined || lease.high > before.high) before = lease;
      inRange.examine(rangeFault(lease, ranges));
    }
  }
  return [disjoint, inRange, checkCursors(cursors, ranges)];
}

/** Also compares the span, by which others find the lease, with the serials it was made of. */
function rangeFault(lease: AuditedLease, ranges: Network['ranges']): string | undefined {
  const range = ranges.get(lease.range_id);
  const name = `lease ${lease.lease_id} of ${lease.range_id}`;
  if (range === undefined) return `${name}: the network has no such range`;
  const first = BigInt(lease.first_serial);
  const last = BigInt(lease.last_serial);
  if (first > last || first < range.firstSerial || last > range.lastSerial) {
    return `${name}: serials ${first} to ${last}`;
  }
  const span = numberSpan(range, first, last);
  const isSame = spanKey(span.low) === lease.low && spanKey(span.high) === lease.high;
  return isSame ? undefined : `${name}: its span is not that of its serials`;
}

function checkCursors(cursors: AuditedCursor[], ranges: Network['ranges']): Check {
  const check = new Check('cursor-beyond-leases');
  for (const { range_id, next_serial, last_serial } of cursors) {
    const range = ranges.get(range_id);
    if (next_serial === null) {
      check.examine(`${range_id} has leases and no cursor`);
      continue;
    }
    const next = BigInt(next_serial);
    const isBehind = last_serial !== null && next <= BigInt(last_serial);
    const isOutside =
      range !== undefined && (next < range.firstSerial || next > range.lastSerial + 1n);
    check.examine(
      isBehind || isOutside
        ? `${range_id}: cursor ${next}, leased up to ${last_serial ?? 'nothing'}`
        : undefined,
    );
  }
  return check;
}
