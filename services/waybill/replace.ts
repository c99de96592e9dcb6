import { type Queryable, type Tx, transaction } from '#libs/db';
import { invalid, RpcError, tooMany } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import { Extent } from '#proto/queqiao/waybill/v1/waybill';
import type { Deps } from './deps.ts';
import {
  type ChangeableRow,
  lockRows,
  nameOf,
  type Replacer,
  replaceRows,
  selectChangeable,
  selectShipment,
} from './store/version.ts';
import type { WaybillRow } from './store/waybill.ts';

/** More changes than anybody makes before a pickup; cancelling is always possible. */
export const VERSIONS_MAX = 100;
/** Whoever meets so many others on the same waybills is told of it. */
const ATTEMPTS_MAX = 5;

/**
 * Changes waybills together or not at all. `plan` says from the rows as they are which of them
 * shall hold what; it may look things up, since no transaction is open yet. If another change comes
 * in between, it is asked again. Answers all rows that were read, as they are afterwards.
 */
export async function replaceWaybills(
  deps: Deps,
  { read, plan, announce, identity }: Replacement,
): Promise<WaybillRow[]> {
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const before = await read(deps.pool);
    const changes = await plan(before);
    if (changes.length === 0) return before;
    const by = replacerOf(identity, deps.now());
    const after = await transaction(deps.pool, async (tx) => {
      // What was only read is locked as well: a plan holds for all it has seen.
      await lockRows(tx, before.map(nameOf));
      if (!areSame(before, await read(tx))) return undefined;
      const rows = await replaceRows(tx, changes, by);
      await announce(tx, rows, by.time);
      return rows;
    });
    if (after === undefined) continue;
    deps.relay.wake();
    const byNumber = new Map(after.map((row) => [row.waybill_number, row]));
    return before.map((row) => byNumber.get(row.waybill_number) ?? row);
  }
  throw new RpcError('CONFLICT');
}

/** Whether nothing was changed and nothing has come, such as a child to a shipment. */
function areSame(before: ChangeableRow[], now: ChangeableRow[]): boolean {
  const versions = new Map(before.map((row) => [row.waybill_number, row.version]));
  return (
    before.length === now.length &&
    now.every((row) => versions.get(row.waybill_number) === row.version)
  );
}

/** The rows that a change of `found` is for. */
export function readExtent(
  db: Queryable,
  found: WaybillRow,
  extent: Extent,
): Promise<ChangeableRow[]> {
  return extent === Extent.SHIPMENT
    ? selectShipment(db, found)
    : selectChangeable(db, [nameOf(found)]);
}

export function parseExtent(extent: Extent): Extent {
  if (!EXTENTS.has(extent)) throw invalid('extent', 'UNKNOWN_VALUE');
  return extent;
}

const EXTENTS = new Set<number>(Object.values(Extent));

/** Versions are kept for ever: a program that runs wild is stopped. */
export function mustHaveRoom({ version }: WaybillRow): void {
  if (version >= VERSIONS_MAX) throw tooMany('version', version + 1, VERSIONS_MAX);
}

function replacerOf({ kind, id, keyId }: Identity, time: Date): Replacer {
  return { time, kind, id, keyId };
}

export type Replacement = {
  /** Reads what the plan is made from; asked once more when the rows are locked. */
  read: (db: Queryable) => Promise<ChangeableRow[]>;
  plan: (before: ChangeableRow[]) => ChangeableRow[] | Promise<ChangeableRow[]>;
  /** Writes the events of the rows that were changed. */
  announce: (tx: Tx, rows: WaybillRow[], time: Date) => Promise<void>;
  identity: Identity;
};
