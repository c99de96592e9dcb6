import { create, fromBinary } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { groupCommit, type Pool } from '#libs/db';
import { RpcError, toRpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import { open } from '#libs/privacy';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import { ConsigneeSchema, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { type IssuedWaybill, IssuedWaybillSchema } from '#proto/queqiao/waybill/v1/waybill_service';
import { bucketOf } from './bucket.ts';
import type { DataKey } from './data-keys.ts';
import type { Deps } from './deps.ts';
import { type Draw, IssueBlock } from './issue-block.ts';
import type { TakenNumber } from './lease.ts';
import { differingField, type ParcelDraft } from './parcel.ts';
import { ScannedParcel } from './parcel-scan.ts';
import { type Resolution, resolver } from './resolve.ts';
import { stateToMessage } from './state.ts';
import {
  insertMixed,
  insertNew,
  type KnownWaybillRow,
  type ParcelKeyRow,
  selectByKeys,
} from './store/issue.ts';

/**
 * Draws waybills for valid parcels of one merchant. Answers one outcome for each, in order: the
 * waybill, issued now or before, or the error. Nothing is answered before it is stored.
 */
export type Issue = (
  merchant: Merchant,
  drafts: ParcelDraft[],
  identity: Identity,
) => Promise<IssueAnswer[]>;
export type IssueAnswer = IssuedWaybill | RpcError;

/**
 * The issuing path. Many calls wait together and are written by one statement (group commit), so
 * that a commit's cost is shared. Dispose when no call is under way any more.
 */
export function openIssuing(deps: Deps): { issue: Issue } & AsyncDisposable {
  const write = groupWriter(deps);
  const writer = groupCommit<Draw, KnownRows>({
    writers: WRITERS,
    maxItems: 1_000,
    maxWaitingItems: 20_000,
    sizeOf: ({ parcels }) => parcels.length,
    write,
  });

  async function issue(merchant: Merchant, drafts: ParcelDraft[]): Promise<IssueAnswer[]> {
    const answers = new Array<IssueAnswer>(drafts.length);
    // Before any number is taken: a failure here shall cost none.
    const dataKey = await deps.dataKeys.current(merchant.merchantId);
    const draws = await plan(deps, { merchant, dataKey, drafts, answers });
    if (draws.length > 0) await store(draws, answers);
    await answerKnown(deps, merchant, drafts, answers);
    return answers;
  }

  async function store(draws: PlannedDraw[], answers: IssueAnswer[]): Promise<void> {
    let known: KnownRows[];
    try {
      known = await writer.submit(draws);
    } catch (error) {
      const failure = toRpcError(error);
      for (const { parcels } of draws) {
        // Shed before anything was written. After any other failure a row may exist after all: its
        // number must never be used again.
        if (failure.reason === 'OVERLOADED') deps.numbers.giveBack(parcels);
        for (const { index } of parcels) answers[index] = failure;
      }
      return;
    }
    for (const [i, draw] of draws.entries()) {
      await answerDraw(deps, draw, { known: known[i] as KnownRows, answers });
    }
  }

  return { issue, [Symbol.asyncDispose]: () => writer[Symbol.asyncDispose]() };
}

async function answerDraw(
  deps: Deps,
  { parcels, issueTime }: PlannedDraw,
  { known, answers }: { known: KnownRows; answers: IssueAnswer[] },
): Promise<void> {
  const timestamp = timestampFromDate(issueTime);
  for (const [i, parcel] of parcels.entries()) {
    const row = known.get(i);
    if (row === undefined) {
      answers[parcel.index] = issuedNow(parcel.number, timestamp);
      continue;
    }
    deps.numbers.giveBack([parcel]);
    answers[parcel.index] = await answerRepeat(deps, row, parcel.draft).catch(toRpcError);
  }
}

/** Resolves each draft and gives it a number; who gets none is answered with the reason. */
async function plan(deps: Deps, call: IssueCall): Promise<PlannedDraw[]> {
  const { merchant, drafts, answers } = call;
  const resolve = resolver(deps.directory, merchant);
  const draws = new Map<string, PlannedDraw>();
  const groups = new Map<string, NumberGroup>();
  for (const [index, draft] of drafts.entries()) {
    const bucket = bucketOf(merchant, draft);
    const key = `${bucket} ${routeOf(draft)}`;
    let draw = draws.get(key);
    try {
      if (draw === undefined) {
        draw = toDraw(deps, call, { draft, bucket, resolution: await resolve(draft) });
        draws.set(key, draw);
      }
    } catch (error) {
      answers[index] = toRpcError(error);
      continue;
    }
    const groupKey = `${bucket} ${draw.courierId}`;
    const group = groups.get(groupKey) ?? { draw, entries: [] };
    groups.set(groupKey, group);
    group.entries.push({ index, draft, draw });
  }
  for (const group of groups.values()) await takeNumbers(deps, call, group);
  return [...draws.values()].filter(({ parcels }) => parcels.length > 0);
}

/** What parcels of one draw must have in common beside the bucket. */
function routeOf(draft: ParcelDraft): string {
  if (draft instanceof ScannedParcel) return draft.route;
  return `${draft.courierId} ${draft.serviceCode} ${draft.nodeId}`;
}

function toDraw(deps: Deps, { merchant, dataKey }: IssueCall, opening: Opening): PlannedDraw {
  const { draft, bucket, resolution } = opening;
  return {
    merchantId: merchant.merchantId,
    bucket,
    courierId: draft.courierId,
    serviceCode: resolution.serviceCode,
    nodeId: draft.nodeId,
    accountId: '',
    state: 'issued',
    dataKey,
    issueTime: deps.now(),
    eventSubject: resolution.eventSubject,
    ranges: resolution.ranges,
    parcels: [],
  };
}

/** Numbers for the parcels of one courier and bucket, in the order of the call. */
async function takeNumbers(deps: Deps, call: IssueCall, group: NumberGroup): Promise<void> {
  const { merchant, answers } = call;
  const { ranges, bucket, courierId } = group.draw;
  let taken: TakenNumber[] = [];
  let failure: RpcError | undefined;
  try {
    taken = await deps.numbers.take(ranges, bucket, group.entries.length);
  } catch (error) {
    failure = toRpcError(error);
  }
  for (const [i, { index, draft, draw }] of group.entries.entries()) {
    const number = taken[i];
    if (number !== undefined) {
      draw.parcels.push({ index, draft, ...number });
      continue;
    }
    failure ??= new RpcError('NUMBER_RANGE_EXHAUSTED', {
      field: 'courier_id',
      metadata: { courier_id: courierId, merchant_id: merchant.merchantId },
    });
    answers[index] = failure;
  }
}

/**
 * Writes the draws of many calls; answers for each the rows that were there before. Nearly always
 * all parcels are new, so that is tried first; after a group that held known ones, the next groups
 * are written with care, so that a rush of repeats costs little more than it must.
 */
function groupWriter({ pool, relay }: Deps): (draws: Draw[]) => Promise<KnownRows[]> {
  const spare: IssueBlock[] = [];
  let carefulCount = 0;
  return async (draws) => {
    const block = spare.pop() ?? new IssueBlock();
    try {
      block.clear();
      for (const draw of draws) block.add(draw);
      if (carefulCount === 0 && (await isAllNew(pool, block))) {
        relay.wake();
        return draws.map(() => NOTHING_KNOWN);
      }
      carefulCount = carefulCount === 0 ? CAREFUL_GROUPS : carefulCount - 1;
      const inserted = await insertMixed(pool, block);
      if (inserted.size > 0) relay.wake();
      return await knownRows(pool, draws, inserted);
    } finally {
      spare.push(block);
    }
  };
}

/** False, and nothing written, if one of the parcel keys is taken. */
async function isAllNew(pool: Pool, block: IssueBlock): Promise<boolean> {
  try {
    await insertNew(pool, block);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== UNIQUE_VIOLATION) throw error;
    return false;
  }
}

/** For each draw the rows that hold its keys, of those parcels that were not inserted. */
async function knownRows(pool: Pool, draws: Draw[], inserted: Set<string>): Promise<KnownRows[]> {
  const known = draws.map((): Map<number, KnownWaybillRow> => new Map());
  const repeats = draws.flatMap((draw, at) =>
    draw.parcels.flatMap(({ draft, number }, i) =>
      inserted.has(number) ? [] : [{ at, i, key: keyRow(draw, draft) }],
    ),
  );
  if (repeats.length === 0) return known;
  const rows = await selectByKeys(
    pool,
    repeats.map(({ key }) => key),
  );
  for (const row of rows) {
    const repeat = repeats[row.position];
    if (repeat !== undefined) known[repeat.at]?.set(repeat.i, row);
  }
  for (const { at, i } of repeats) {
    if (known[at]?.has(i) !== true) throw new Error('a parcel key was taken, then gone');
  }
  return known;
}

function keyRow(
  { bucket, merchantId }: { bucket: number; merchantId: string },
  { orderRef, parcelNo }: ParcelDraft,
): ParcelKeyRow {
  return { bucket, merchant_id: merchantId, order_ref: orderRef, parcel_no: parcelNo };
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
  const { merchantId } = merchant;
  const keys = refused.map((i) => {
    const draft = drafts[i] as ParcelDraft;
    return keyRow({ bucket: bucketOf(merchant, draft), merchantId }, draft);
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

const WRITERS = 2;
/** Groups that are written with care after one that met a known parcel. */
const CAREFUL_GROUPS = 16;
const UNIQUE_VIOLATION = '23505';
const NOTHING_KNOWN: KnownRows = new Map();

type IssueCall = {
  merchant: Merchant;
  dataKey: DataKey;
  drafts: ParcelDraft[];
  answers: IssueAnswer[];
};
type Opening = { draft: ParcelDraft; bucket: number; resolution: Resolution };
type PlannedDraw = Omit<Draw, 'parcels'> & {
  ranges: Resolution['ranges'];
  parcels: PlannedParcel[];
};
type PlannedParcel = TakenNumber & { index: number; draft: ParcelDraft };
type NumberGroup = {
  draw: PlannedDraw;
  entries: { index: number; draft: ParcelDraft; draw: PlannedDraw }[];
};
/** By the place of a parcel in its draw, the row that an earlier call wrote for it. */
type KnownRows = ReadonlyMap<number, KnownWaybillRow>;
