import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ofMerchant, transaction } from '#libs/db';
import { invalid, RpcError, toItemError, toRpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type PrintNotice,
  type PrintOutcome,
  PrintOutcomeSchema,
  type ReportPrintsRequest,
  type ReportPrintsResponse,
  ReportPrintsResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import type { Deps } from '../deps.ts';
import { mustBeUuid } from '../field.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumbers, waybillNotFound } from '../read.ts';
import { stateToMessage } from '../state.ts';
import { notePrints, type PrintedRow } from '../store/print.ts';
import { merchantOf } from '../tenant.ts';

const NOTICES_MAX = 1_000;

export async function reportPrints(
  deps: Deps,
  request: ReportPrintsRequest,
  { identity }: CallContext,
): Promise<ReportPrintsResponse> {
  const merchantId = merchantOf(identity, request.merchantId);
  const tenant = { merchantId, courierId: null, setting: ofMerchant(merchantId) };
  const requestId = mustBeUuid('request_id', request.requestId);
  const { notices } = request;
  if (notices.length === 0 || notices.length > NOTICES_MAX) {
    throw invalid('notices', 'LIST_SIZE', { min: 1, max: NOTICES_MAX });
  }
  const faults = faultsOf(notices);
  const valid = notices.filter((_, i) => faults[i] === undefined);
  const numbers = valid.map(({ waybillNumber }) => waybillNumber);
  const found = await findByNumbers(deps, numbers, tenant);
  const known = valid.flatMap(({ waybillNumber: number, isReprint }) => {
    const row = found.get(number);
    return row === undefined ? [] : [{ bucket: row.bucket, number, isReprint }];
  });
  const printed = await transaction(
    deps.pool,
    (tx) => notePrints(tx, { requestId, time: deps.now(), notices: known }),
    { tenant: tenant.setting },
  );
  const byNumber = new Map(printed.map((row) => [row.waybill_number, row]));
  return create(ReportPrintsResponseSchema, {
    outcomes: notices.map((notice, i) =>
      toOutcome(notice, faults[i] ?? byNumber.get(notice.waybillNumber), requestId),
    ),
  });
}

/** What is wrong with each notice, by itself or beside the others; undefined if nothing is. */
function faultsOf(notices: PrintNotice[]): (RpcError | undefined)[] {
  const seen = new Set<string>();
  return notices.map(({ waybillNumber }) => {
    try {
      parseWaybillNumber('waybill_number', waybillNumber);
    } catch (error) {
      return toRpcError(error);
    }
    if (seen.has(waybillNumber)) return invalid('waybill_number', 'REPEATED');
    seen.add(waybillNumber);
    return undefined;
  });
}

function toOutcome(
  { waybillNumber, isReprint }: PrintNotice,
  result: PrintedRow | RpcError | undefined,
  requestId: string,
): PrintOutcome {
  const failed = (error: RpcError) =>
    create(PrintOutcomeSchema, {
      waybillNumber,
      outcome: { case: 'error', value: toItemError(error) },
    });
  if (result === undefined) return failed(waybillNotFound(waybillNumber, 'waybill_number'));
  if (result instanceof RpcError) return failed(result);
  if (result.is_reprint !== isReprint) {
    const metadata = { request_id: requestId };
    return failed(new RpcError('REQUEST_ID_REUSED', { field: 'is_reprint', metadata }));
  }
  const value = {
    printCount: result.print_count,
    lastPrintTime: timestampFromDate(result.last_print_time),
    state: stateToMessage(result.state),
  };
  return create(PrintOutcomeSchema, { waybillNumber, outcome: { case: 'printed', value } });
}
