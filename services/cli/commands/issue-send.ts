import { strict as assert } from 'node:assert';
import { RpcError, toRpcError } from '#libs/errors';
import type { Client } from '#libs/grpc';
import { backoff, sleep } from '#libs/run';
import { type Parcel, Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { IssueOutcome, WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { OrderRow } from '../orders.ts';
import { type ErrorFacts, factsOf, itemFacts } from '../output.ts';

/**
 * A function that draws waybills for a chunk of rows and answers one result for each, in order.
 * What may succeed later is sent again, with growing pauses, for minutes: a service that is killed
 * and started again is not noticed. Repeating is safe, because the server knows every parcel by its
 * key. A `fatal` error means that no other chunk can do better;
 * rows whose outcome is not known then have no result.
 */
export function createSender(options: SenderOptions): (rows: OrderRow[]) => Promise<ChunkResult> {
  const { client, merchantId, signal, retry = RETRY } = options;
  let hasAnswered = false;

  return async (rows) => {
    const results = new Map<OrderRow, RowResult>();
    let waiting: GoodRow[] = [];
    for (const row of rows) {
      if ('errors' in row) results.set(row, failedRow(row, row.errors.map(factsOf)));
      else waiting.push(row);
    }
    const nextDelayMs = backoff(retry);
    const startMs = performance.now();
    let fatal: RpcError | undefined;
    for (let attempt = 1; waiting.length > 0 && !signal.aborted; attempt++) {
      // A server that never answered is away or wrong; no need to insist.
      const isLast = hasAnswered
        ? attempt >= retry.attempts && performance.now() - startMs >= retry.patienceMs
        : attempt >= retry.firstAttempts;
      let retryAfterMs = 0;
      try {
        const parcels = waiting.map((row) => row.parcel);
        const { outcomes } = await client.issueWaybills({ merchantId, parcels });
        assert.equal(outcomes.length, waiting.length, 'the server must answer every parcel');
        hasAnswered = true;
        waiting = take(waiting, outcomes, { results, isLast });
      } catch (error) {
        const cause = toRpcError(error);
        if (cause.reason === 'INTERNAL') {
          // A fault that these parcels may have caused is no reason to give up the others.
          for (const row of waiting) results.set(row, failedRow(row, [factsOf(cause)]));
          break;
        }
        if (!cause.retryable || isLast) fatal = cause;
        retryAfterMs = cause.retryAfterMs ?? 0;
      }
      if (waiting.length === 0 || fatal !== undefined) break;
      if (!(await pause(Math.max(nextDelayMs(), retryAfterMs), signal))) break;
    }
    const known = rows.flatMap((row) => results.get(row) ?? []);
    return { rows: known, unknownCount: rows.length - known.length, fatal };
  };
}

/** Keeps what is settled; answers the rows to send again. */
function take(
  rows: GoodRow[],
  outcomes: IssueOutcome[],
  { results, isLast }: { results: Map<OrderRow, RowResult>; isLast: boolean },
): GoodRow[] {
  return rows.filter((row, i) => {
    const { outcome } = outcomes[i] as IssueOutcome;
    if (outcome.case === 'error' && outcome.value.retryable && !isLast) return true;
    results.set(row, resultOf(row, outcome));
    return false;
  });
}

function resultOf(row: GoodRow, outcome: IssueOutcome['outcome']): RowResult {
  if (outcome.case === 'error') return failedRow(row, [itemFacts(outcome.value)]);
  assert.equal(outcome.case, 'issued', 'an outcome must be a number or an error');
  const { waybillNumber, alreadyIssued, state } = outcome.value;
  const ended = ENDED[state];
  if (ended !== undefined) {
    // There is a number, but a label with it would travel nowhere.
    const error = new RpcError('STATE_NOT_ALLOWED', { metadata: { state: ended } });
    return { ...failedRow(row, [factsOf(error)]), waybillNumber };
  }
  const status = alreadyIssued ? 'already_issued' : 'issued';
  return { ...keyOf(row), status, waybillNumber, errors: [] };
}

const ENDED: Partial<Record<number, string>> = {
  [Waybill_State.CANCELLED]: 'CANCELLED',
  [Waybill_State.RECALLED]: 'RECALLED',
};

/** The result of a row that has no waybill. */
export function failedRow(row: OrderRow, errors: ErrorFacts[]): RowResult {
  return { ...keyOf(row), status: 'failed', waybillNumber: '', errors };
}

function keyOf({ line, orderRef, parcelNo }: OrderRow) {
  return { line, orderRef, parcelNo };
}

/** False if the user interrupts the pause. */
async function pause(durationMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(durationMs, signal);
    return true;
  } catch {
    return false;
  }
}

/**
 * Three minutes for a server that was there, enough for a database that repairs its files; a second
 * for one that was not. Attempts as well as time, since the pauses are random.
 */
const RETRY = {
  ...{ attempts: 8, firstAttempts: 3, firstMs: 250, maxMs: 5_000 },
  patienceMs: 180_000,
};

export type RowResult = {
  line: number;
  orderRef: string;
  parcelNo: string;
  status: 'issued' | 'already_issued' | 'failed';
  waybillNumber: string;
  errors: ErrorFacts[];
};

export type ChunkResult = {
  /** In line order. */
  rows: RowResult[];
  /** Rows that were not sent or whose answer never came. */
  unknownCount: number;
  fatal: RpcError | undefined;
};

export type SenderOptions = {
  client: Pick<Client<typeof WaybillService>, 'issueWaybills'>;
  merchantId: string;
  /** Ends the pauses between attempts; a call that is under way is waited for. */
  signal: AbortSignal;
  retry?: typeof RETRY;
};

type GoodRow = OrderRow & { parcel: Parcel };
