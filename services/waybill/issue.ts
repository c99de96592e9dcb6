import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { groupCommit } from '#libs/db';
import { RpcError, toRpcError } from '#libs/errors';
import { maskedConsignee, open, seal } from '#libs/privacy';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import {
  ConsigneeSchema,
  MaskedConsigneeSchema,
  ParcelSchema,
} from '#proto/queqiao/waybill/v1/waybill';
import { type IssuedWaybill, IssuedWaybillSchema } from '#proto/queqiao/waybill/v1/waybill_service';
import { bucketOf } from './bucket.ts';
import type { DataKey } from './data-keys.ts';
import type { Deps } from './deps.ts';
import { issuedEventPart } from './events.ts';
import type { TakenNumber } from './lease.ts';
import { toBody } from './message.ts';
import { differingField, type ParcelDraft } from './parcel.ts';
import { type Resolution, resolver } from './resolve.ts';
import { stateToMessage } from './state.ts';
import {
  insertWaybills,
  type KnownWaybillRow,
  type NewWaybillRow,
  selectByKeys,
} from './store/issue.ts';

/**
 * Draws waybills for valid parcels of one merchant. Answers one outcome for each, in order: the
 * waybill, issued now or before, or the error. Nothing is answered before it is stored.
 */
export type Issue = (merchant: Merchant, drafts: ParcelDraft[]) => Promise<IssueAnswer[]>;
export type IssueAnswer = IssuedWaybill | RpcError;

/**
 * The issuing path. Many calls wait together and are written by one statement (group commit), so
 * that a commit's cost is shared. Dispose when no call is under way any more.
 */
export function openIssuing(deps: Deps): { issue: Issue } & AsyncDisposable {
  const writer = groupCommit<NewWaybillRow, Written>({
    writers: 2,
    maxItems: 1_000,
    maxWaitingItems: 20_000,
    write: (rows) => writeGroup(deps, rows),
  });

  async function issue(merchant: Merchant, drafts: ParcelDraft[]): Promise<IssueAnswer[]> {
    const answers = new Array<IssueAnswer>(drafts.length);
    // Before any number is taken: a failure here shall cost none.
    const dataKey = await deps.dataKeys.current(merchant.merchantId);
    const planned = await plan(deps, merchant, drafts, answers);
    if (planned.length > 0) await write({ merchant, dataKey, planned }, answers);
    await answerKnown(deps, merchant, drafts, answers);
    return answers;
  }

  async function write({ merchant, dataKey, planned }: Draw, answers: IssueAnswer[]) {
    const date = deps.now();
    const timestamp = timestampFromDate(date);
    const stamp = { date, timestamp, dataKey };
    const rows = planned.map((entry) => toRow(merchant, entry, stamp));
    let written: Written[];
    try {
      written = await writer.submit(rows);
    } catch (error) {
      const failure = toRpcError(error);
      // Shed before anything was written. After any other failure a row may exist after all: its
      // number must never be used again.
      if (failure.reason === 'OVERLOADED') deps.numbers.giveBack(planned.map(({ taken }) => taken));
      for (const { index } of planned) answers[index] = failure;
      return;
    }
    deps.numbers.giveBack(unused(planned, written));
    for (const [i, { index, draft, taken }] of planned.entries()) {
      const known = written[i]?.known;
      if (known === undefined) answers[index] = issuedNow(taken.number, timestamp);
      else answers[index] = await answerRepeat(deps, known, draft).catch(toRpcError);
    }
  }

  return { issue, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() };
}

/** Resolves each draft and gives it a number; who gets none is answered with the reason. */
async function plan(
  deps: Deps,
  merchant: Merchant,
  drafts: ParcelDraft[],
  answers: IssueAnswer[],
): Promise<Planned[]> {
  const resolve = resolver(deps.directory, merchant);
  const groups = new Map<string, Planless[]>();
  for (const [index, draft] of drafts.entries()) {
    try {
      const resolution = await resolve(draft);
      const bucket = bucketOf(merchant, draft.orderRef);
      const group = `${draft.courierId} ${bucket}`;
      const entry = { index, draft, resolution, bucket };
      const others = groups.get(group);
      if (others === undefined) groups.set(group, [entry]);
      else others.push(entry);
    } catch (error) {
      answers[index] = toRpcError(error);
    }
  }
  const planned: Planned[] = [];
  for (const entries of groups.values()) {
    await takeNumbers(deps, merchant, entries, planned, answers);
  }
  return planned;
}

/** Numbers for the parcels of one courier and bucket. */
async function takeNumbers(
  deps: Deps,
  merchant: Merchant,
  entries: Planless[],
  planned: Planned[],
  answers: IssueAnswer[],
): Promise<void> {
  const { resolution, bucket, draft } = entries[0] as Planless;
  let taken: TakenNumber[] = [];
  let failure: RpcError | undefined;
  try {
    taken = await deps.numbers.take(resolution.ranges, bucket, entries.length);
  } catch (error) {
    failure = toRpcError(error);
  }
  for (const [i, entry] of entries.entries()) {
    const number = taken[i];
    if (number !== undefined) {
      planned.push({ ...entry, taken: number });
      continue;
    }
    failure ??= new RpcError('NUMBER_RANGE_EXHAUSTED', {
      field: 'courier_id',
      metadata: { courier_id: draft.courierId, merchant_id: merchant.merchantId },
    });
    answers[entry.index] = failure;
  }
}

function toRow({ merchantId }: Merchant, planned: Planned, stamp: Stamp): NewWaybillRow {
  const { draft, bucket, taken } = planned;
  const { number } = taken;
  const { serviceCode, eventSubject } = planned.resolution;
  const consignee = draft.consigneeBytes ?? toBinary(ConsigneeSchema, draft.consignee);
  return {
    bucket,
    waybill_number: number,
    merchant_id: merchantId,
    order_ref: draft.orderRef,
    parcel_no: draft.parcelNo,
    courier_id: draft.courierId,
    service_code: serviceCode,
    node_id: draft.nodeId,
    issue_time: stamp.date,
    body: toBody(draft),
    consignee_masked: toBinary(MaskedConsigneeSchema, maskedConsignee(draft.consignee)),
    // Bound to the number: a sealed consignee moved to another row does not open.
    consignee_sealed: seal(stamp.dataKey.key, consignee, Buffer.from(number, 'latin1')),
    data_key_id: stamp.dataKey.dataKeyId,
    event_subject: eventSubject,
    event_part: issuedEventPart({
      number,
      merchantId,
      draft,
      serviceCode,
      issueTime: stamp.timestamp,
    }),
    account_id: '',
    parcel_count: 1,
    outward_number: null,
    phone_index: null,
    state: 'issued',
  };
}

/** Writes the rows of many calls; for each that was there before, the row that holds its key. */
async function writeGroup({ pool, relay }: Deps, rows: NewWaybillRow[]): Promise<Written[]> {
  // One order for all writers, or two that hold each other's keys would deadlock.
  const sorted = rows.toSorted(byParcelKey);
  const inserted = await insertWaybills(pool, sorted);
  if (inserted.size > 0) relay.wake();
  const written = rows.map((): Written => ({}));
  if (inserted.size === rows.length) return written;
  const repeats = [...rows.keys()].filter((i) => !inserted.has(rowAt(rows, i).waybill_number));
  const known = await selectByKeys(
    pool,
    repeats.map((i) => rowAt(rows, i)),
  );
  for (const row of known) written[repeats[row.position] as number] = { known: row };
  for (const i of repeats) {
    if (written[i]?.known === undefined) throw new Error('a parcel key was taken, then gone');
  }
  return written;
}

function byParcelKey(a: NewWaybillRow, b: NewWaybillRow): number {
  return (
    a.bucket - b.bucket ||
    compare(a.merchant_id, b.merchant_id) ||
    compare(a.order_ref.toLowerCase(), b.order_ref.toLowerCase()) ||
    a.parcel_no - b.parcel_no
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * A parcel that was issued before keeps its answer, also when it could not be issued today: a range
 * that is used up, a courier that left.
 */
async function answerKnown(
  deps: Deps,
  merchant: Merchant,
  drafts: ParcelDraft[],
  answers: IssueAnswer[],
): Promise<void> {
  const refused = [...answers.keys()].filter((i) => isRefusal(answers[i]));
  if (refused.length === 0) return;
  const keys = refused.map((i) => {
    const { orderRef, parcelNo } = drafts[i] as ParcelDraft;
    const bucket = bucketOf(merchant, orderRef);
    const merchant_id = merchant.merchantId;
    return { bucket, merchant_id, order_ref: orderRef, parcel_no: parcelNo };
  });
  for (const known of await selectByKeys(deps.pool, keys)) {
    const index = refused[known.position] as number;
    const draft = drafts[index] as ParcelDraft;
    answers[index] = await answerRepeat(deps, known, draft).catch(toRpcError);
  }
}

/** Whether the answer says "not today", in contrast to a fault or an answered repeat. */
function isRefusal(answer: IssueAnswer | undefined): boolean {
  return answer instanceof RpcError && !answer.retryable && answer.reason !== 'PARCEL_KEY_REUSED';
}

/** The first answer again, if the contents are the same. */
async function answerRepeat(
  deps: Deps,
  known: KnownWaybillRow,
  draft: ParcelDraft,
): Promise<IssueAnswer> {
  const field = differingField(await asDraft(deps, known, draft), draft);
  if (field === undefined) {
    return create(IssuedWaybillSchema, {
      waybillNumber: known.waybill_number,
      issueTime: timestampFromDate(known.issue_time),
      alreadyIssued: true,
      state: stateToMessage(known.state),
    });
  }
  return new RpcError('PARCEL_KEY_REUSED', {
    field,
    metadata: {
      field,
      order_ref: known.order_ref,
      parcel_no: String(known.parcel_no),
      waybill_number: known.waybill_number,
    },
  });
}

/** What was asked for when `known` was issued. */
async function asDraft(deps: Deps, known: KnownWaybillRow, now: ParcelDraft): Promise<ParcelDraft> {
  const dataKey = await deps.dataKeys.byId(known.merchant_id, known.data_key_id);
  const aad = Buffer.from(known.waybill_number);
  const consignee =
    dataKey && fromBinary(ConsigneeSchema, open(dataKey.key, known.consignee_sealed, aad));
  return {
    ...fromBinary(ParcelSchema, known.body),
    orderRef: known.order_ref,
    parcelNo: known.parcel_no,
    courierId: known.courier_id,
    // Left to the courier's default, today's default is as good as that of the day.
    serviceCode: now.serviceCode === '' ? '' : known.service_code,
    nodeId: known.node_id,
    // Once erased, a consignee can no longer differ.
    consignee: (consignee ?? now.consignee) as ParcelDraft['consignee'],
  };
}

function issuedNow(waybillNumber: string, issueTime: Timestamp): IssuedWaybill {
  return {
    $typeName: 'queqiao.waybill.v1.IssuedWaybill',
    waybillNumber,
    issueTime,
    alreadyIssued: false,
    state: stateToMessage('issued'),
  };
}

function unused(planned: Planned[], written: Written[]): TakenNumber[] {
  return planned.filter((_, i) => written[i]?.known !== undefined).map(({ taken }) => taken);
}

function rowAt(rows: NewWaybillRow[], index: number): NewWaybillRow {
  return rows[index] as NewWaybillRow;
}

type Planless = { index: number; draft: ParcelDraft; resolution: Resolution; bucket: number };
type Planned = Planless & { taken: TakenNumber };
/** What the rows of one call have in common. */
type Stamp = { date: Date; timestamp: Timestamp; dataKey: DataKey };
type Draw = { merchant: Merchant; dataKey: DataKey; planned: Planned[] };
/** `known` is set when an earlier call issued the parcel. */
type Written = { known?: KnownWaybillRow };
