import { invalid, RpcError, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type { WaybillOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from './deps.ts';
import { enqueueRecalled, enqueueReleased } from './events.ts';
import { holdNodeOf, toOutcome } from './message.ts';
import { parseWaybillNumber } from './parcel.ts';
import { findByNumbers, waybillNotFound } from './read.ts';
import { replaceWaybills } from './replace.ts';
import { mustAllow, type State } from './state.ts';
import { nameOf, selectChangeable } from './store/version.ts';
import type { WaybillRow } from './store/waybill.ts';
import { tenantOf } from './tenant.ts';

const NUMBERS_MAX = 1_000;

/** What becomes of a parcel that waits near its buyer. */
export type Move = 'release' | 'recall';
const MOVES = {
  release: { to: 'issued', announce: enqueueReleased },
  recall: { to: 'recalled', announce: enqueueRecalled },
} as const;

/** Moves one waybill; from where the move leads it answers the same again. */
export async function moveWaybill(
  deps: Deps,
  move: Move,
  waybillNumber: string,
  context: CallContext,
): Promise<WaybillRow> {
  const number = parseWaybillNumber('waybill_number', waybillNumber);
  const moved = await moveAll(deps, move, [number], context);
  const row = moved.get(number) ?? waybillNotFound(number, 'waybill_number');
  if (row instanceof RpcError) throw row;
  return row;
}

/** Moves many, each with its own outcome, in the order of the numbers. */
export async function moveWaybills(
  deps: Deps,
  move: Move,
  numbers: string[],
  context: CallContext,
): Promise<WaybillOutcome[]> {
  if (numbers.length === 0 || numbers.length > NUMBERS_MAX) {
    throw invalid('waybill_numbers', 'LIST_SIZE', { min: 1, max: NUMBERS_MAX });
  }
  const parsed = numbers.map((number, i) => {
    try {
      return parseWaybillNumber(`waybill_numbers[${i}]`, number);
    } catch (error) {
      return error as RpcError;
    }
  });
  const valid = parsed.filter((number) => typeof number === 'string');
  const moved = await moveAll(deps, move, [...new Set(valid)], context);
  return parsed.map((number, i) => {
    if (number instanceof RpcError) return toOutcome(toItemError(number));
    const row = moved.get(number) ?? waybillNotFound(number, `waybill_numbers[${i}]`);
    return toOutcome(row instanceof RpcError ? toItemError(row) : row);
  });
}

/** What became of each number that was found. */
async function moveAll(
  deps: Deps,
  move: Move,
  numbers: string[],
  { identity }: CallContext,
): Promise<Map<string, WaybillRow | RpcError>> {
  const found = await findByNumbers(deps, numbers, tenantOf(identity));
  if (found.size === 0) return new Map();
  const { to, announce } = MOVES[move];
  const refused = new Map<string, RpcError>();
  const rows = await replaceWaybills(deps, {
    read: (db) => selectChangeable(db, [...found.values()].map(nameOf)),
    plan: (before) => {
      refused.clear();
      return before
        .filter((row) => mayMove(move, row, refused))
        .map((row) => ({ ...row, state: to satisfies State }));
    },
    announce,
    identity,
  });
  return new Map(
    rows.map((row) => [row.waybill_number, refused.get(row.waybill_number) ?? row] as const),
  );
}

function mayMove(move: Move, row: WaybillRow, refused: Map<string, RpcError>): boolean {
  if (row.state === MOVES[move].to && holdNodeOf(row) !== '') return false;
  try {
    mustAllow(move, row.state);
    return true;
  } catch (error) {
    refused.set(row.waybill_number, error as RpcError);
    return false;
  }
}
