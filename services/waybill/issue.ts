import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type GroupCommit, groupCommit, type Pool } from '#libs/db';
import { RpcError, toRpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import { crashpoint } from '#libs/run';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { IssuedWaybill } from '#proto/queqiao/waybill/v1/waybill_service';
import { checkAddedServices } from './added-service.ts';
import { bucketOf } from './bucket.ts';
import type { SealingKey } from './data-keys.ts';
import type { Deps } from './deps.ts';
import { type Draw, IssueBlock } from './issue-block.ts';
import { writePrepaidDraws } from './issue-prepaid.ts';
import type { TakenNumber } from './lease.ts';
import type { ParcelDraft } from './parcel.ts';
import { ScannedParcel } from './parcel-scan.ts';
import { answerRepeat } from './repeat.ts';
import { type Resolution, resolver } from './resolve.ts';
import { type State, stateToMessage } from './state.ts';
import {
  insertMixed,
  insertNew,
  type KnownWaybillRow,
  keyRow,
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
  const limits = { maxItems: 1_000, maxWaitingItems: 20_000 };
  const sizeOf = ({ parcels }: Draw) => parcels.length;
  const writer = groupCommit<Draw, KnownRows>({ ...limits, sizeOf, writers: WRITERS, write });
  const prepaidWriter = groupCommit<Draw, Unwritten>({
    ...limits,
    sizeOf,
    writers: 1,
    write: (draws) => writePrepaidDraws(deps, draws),
  });

  async function issue(merchant: Merchant, drafts: ParcelDraft[]): Promise<IssueAnswer[]> {
    const answers = new Array<IssueAnswer>(drafts.length);
    // Before any number is taken: a failure here shall cost none.
    const dataKey = await deps.dataKeys.current(merchant.merchantId);
    const draws = await plan(deps, { merchant, dataKey, drafts, answers });
    // By writers of their own: who waits for a prepaid account holds up nobody who needs none.
    await Promise.all([
      store(
        draws.filter(({ prepaid }) => prepaid === null),
        writer,
        answers,
      ),
      store(
        draws.filter(({ prepaid }) => prepaid !== null),
        prepaidWriter,
        answers,
      ),
    ]);
    await answerKnown(deps, merchant, drafts, answers);
    return answers;
  }

  async function store(
    draws: PlannedDraw[],
    writer: Pick<GroupCommit<Draw, Unwritten>, 'submit'>,
    answers: IssueAnswer[],
  ): Promise<void> {
    let unwritten: Unwritten[];
    try {
      unwritten = await writer.submit(draws);
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
      await answerDraw(deps, draw, { unwritten: unwritten[i] as Unwritten, answers });
    }
  }

  return {
    issue,
    async [Symbol.asyncDispose]() {
      await Promise.all([writer[Symbol.asyncDispose](), prepaidWriter[Symbol.asyncDispose]()]);
    },
  };
}

async function answerDraw(
  deps: Deps,
  { parcels, state, issueTime }: PlannedDraw,
  { unwritten, answers }: { unwritten: Unwritten; answers: IssueAnswer[] },
): Promise<void> {
  const timestamp = timestampFromDate(issueTime);
  for (const [i, parcel] of parcels.entries()) {
    const row = unwritten.get(i);
    if (row === undefined) {
      answers[parcel.index] = issuedNow(parcel.number, state, timestamp);
      continue;
    }
    deps.numbers.giveBack([parcel]);
    answers[parcel.index] =
      row instanceof RpcError ? row : await answerRepeat(deps, row, parcel.draft).catch(toRpcError);
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
      checkAddedServices(draw.offer, draft.addedServices);
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
  const { courierId, serviceCode, nodeId, holdNodeId, accountId } = draft;
  return `${courierId} ${serviceCode} ${nodeId} ${holdNodeId} ${accountId}`;
}

function toDraw(deps: Deps, { merchant, dataKey }: IssueCall, opening: Opening): PlannedDraw {
  const { draft, bucket, resolution } = opening;
  return {
    merchantId: merchant.merchantId,
    bucket,
    courierId: draft.courierId,
    serviceCode: resolution.serviceCode,
    nodeId: draft.nodeId,
    accountId: resolution.accountId,
    prepaid: resolution.prepaid,
    // A parcel that is to wait near its buyer begins there.
    state: draft.holdNodeId === '' ? 'issued' : 'prepositioned',
    dataKey,
    issueTime: deps.now(),
    eventSubject: resolution.eventSubject,
    ranges: resolution.ranges,
    offer: resolution.offer,
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
      crashpoint('before_insert');
      if (carefulCount === 0 && (await isAllNew(pool, block))) {
        crashpoint('after_commit_before_reply');
        relay.wake();
        return draws.map(() => NOTHING_KNOWN);
      }
      carefulCount = carefulCount === 0 ? CAREFUL_GROUPS : carefulCount - 1;
      const inserted = await insertMixed(pool, block);
      crashpoint('after_commit_before_reply');
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

function issuedNow(waybillNumber: string, state: State, issueTime: Timestamp): IssuedWaybill {
  return {
    $typeName: 'queqiao.waybill.v1.IssuedWaybill',
    waybillNumber,
    issueTime,
    alreadyIssued: false,
    state: stateToMessage(state),
    parcelNo: 0,
    parcelCount: 0,
    parentWaybillNumber: '',
  };
}

const WRITERS = 2;
/** Groups that are written with care after one that met a known parcel. */
const CAREFUL_GROUPS = 16;
const UNIQUE_VIOLATION = '23505';
const NOTHING_KNOWN: KnownRows = new Map();

type IssueCall = {
  merchant: Merchant;
  dataKey: SealingKey;
  drafts: ParcelDraft[];
  answers: IssueAnswer[];
};
type Opening = { draft: ParcelDraft; bucket: number; resolution: Resolution };
type PlannedDraw = Omit<Draw, 'parcels'> & {
  ranges: Resolution['ranges'];
  offer: Resolution['offer'];
  parcels: PlannedParcel[];
};
type PlannedParcel = TakenNumber & { index: number; draft: ParcelDraft };
type NumberGroup = {
  draw: PlannedDraw;
  entries: { index: number; draft: ParcelDraft; draw: PlannedDraw }[];
};
/** By the place of a parcel in its draw, the row that an earlier call wrote for it. */
type KnownRows = ReadonlyMap<number, KnownWaybillRow>;
/** The same, and why others were refused. */
type Unwritten = ReadonlyMap<number, KnownWaybillRow | RpcError>;
