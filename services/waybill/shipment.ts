import { Slots, type Tx, transaction } from '#libs/db';
import { invalid, RpcError, toRpcError } from '#libs/errors';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { Parcel } from '#proto/queqiao/waybill/v1/waybill';
import { bucketOf } from './bucket.ts';
import type { Deps } from './deps.ts';
import type { Issue, IssueAnswer } from './issue.ts';
import { differingField, type ParcelDraft } from './parcel.ts';
import { serviceOf } from './resolve.ts';
import { openParcel } from './sealed.ts';
import { allows } from './state.ts';
import { type KnownWaybillRow, keyRow, selectByKeys } from './store/issue.ts';
import { lockRows, nameOf } from './store/version.ts';
import type { WaybillRow } from './store/waybill.ts';

// A shipment is one order's parcels with a parcel_count above 1: parcel 1 is the parent, the others
// are its children. Nothing of this touches parcels that travel alone.

/** Each holds a connection while another one writes: many at once would leave none to write. */
const AT_ONCE_MAX = 2;
/** Whoever meets so many changes of the same parents is told of it. */
const ATTEMPTS_MAX = 5;

/** Issues parents before their children, and a child only under a live parent that it matches. */
export function withShipments(deps: Deps, issue: Issue): Issue {
  const slots = new Slots({ count: AT_ONCE_MAX, maxWaiting: 1_000, waitMs: 5_000 });
  return async (merchant, drafts, identity) => {
    if (!drafts.some(({ parcelCount }) => parcelCount > 1)) {
      return issue(merchant, drafts, identity);
    }
    const answers = new Array<IssueAnswer>(drafts.length);
    const draw = async (indexes: number[]) => {
      if (indexes.length === 0) return;
      const wanted = indexes.map((i) => drafts[i] as ParcelDraft);
      const drawn = await issue(merchant, wanted, identity);
      for (const [k, i] of indexes.entries()) answers[i] = drawn[k] as IssueAnswer;
    };
    const [children, others] = partition([...drafts.keys()], (i) => isChild(drafts[i]));
    await draw(others);
    if (children.length > 0) {
      await slots.take();
      try {
        await drawChildren(deps, { merchant, drafts, children, answers, draw });
      } catch (error) {
        for (const i of children) answers[i] = toRpcError(error);
      } finally {
        slots.give();
      }
    }
    const parents = await parentsOf(deps, merchant, drafts, children);
    for (const [i, answer] of answers.entries()) {
      if (!(answer instanceof RpcError)) name(answer, drafts[i] as ParcelDraft, parents.get(i));
    }
    return answers;
  };
}

/** Checks children against their parents and issues them while no parent can change. */
async function drawChildren(deps: Deps, batch: Batch): Promise<void> {
  const { merchant, drafts, children, answers, draw } = batch;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    const parents = await parentsOf(deps, merchant, drafts, children);
    const known = await rowsOf(deps, merchant, drafts, children);
    const wanted: number[] = [];
    for (const i of children) {
      const draft = drafts[i] as ParcelDraft;
      // What was issued before keeps its answer, whatever became of its parent.
      const problem = known.has(i) ? undefined : await check(deps, parents.get(i), draft);
      if (problem === undefined) wanted.push(i);
      else answers[i] = problem;
    }
    const isDone = await transaction(deps.pool, async (tx) => {
      if (!(await standStill(tx, [...parents.values()]))) return false;
      await draw(wanted);
      return true;
    });
    if (isDone) return;
  }
  throw new RpcError('CONFLICT');
}

/** Locks parents as they were read; false if one has changed since. */
async function standStill(tx: Tx, parents: KnownWaybillRow[]): Promise<boolean> {
  const versions = new Map(parents.map((row) => [row.waybill_number, row]));
  const locked = await lockRows(tx, [...versions.values()].map(nameOf), 'share');
  return locked.every((row) => versions.get(row.waybill_number)?.version === row.version);
}

function isChild(draft: Pick<Parcel, 'parcelCount' | 'parcelNo'> | undefined): boolean {
  return draft !== undefined && draft.parcelCount > 1 && draft.parcelNo > 1;
}

export function isShipmentParent(row: WaybillRow): boolean {
  return row.parcel_count > 1 && row.parcel_no === 1;
}

/** For the index of each child, what is issued as parcel 1 of its order. */
function parentsOf(
  deps: Deps,
  merchant: Merchant,
  drafts: ParcelDraft[],
  children: number[],
): Promise<Map<number, KnownWaybillRow>> {
  const firsts = drafts.map(({ orderRef }) => ({ orderRef, parcelNo: 1 }));
  return rowsOf(deps, merchant, firsts, children);
}

async function rowsOf(
  { pool }: Deps,
  merchant: Merchant,
  drafts: Pick<ParcelDraft, 'orderRef' | 'parcelNo'>[],
  indexes: number[],
): Promise<Map<number, KnownWaybillRow>> {
  if (indexes.length === 0) return new Map();
  const keys = indexes.map((i) => {
    const draft = drafts[i] as ParcelDraft;
    return keyRow({ bucket: bucketOf(merchant, draft), merchantId: merchant.merchantId }, draft);
  });
  const rows = await selectByKeys(pool, keys);
  return new Map(rows.map((row) => [indexes[row.position] as number, row]));
}

/** Why a child cannot be issued; undefined if it can. */
async function check(
  deps: Deps,
  parent: KnownWaybillRow | undefined,
  draft: ParcelDraft,
): Promise<RpcError | undefined> {
  try {
    if (parent === undefined || !allows('update', parent.state)) {
      const { orderRef, parcelNo } = draft;
      return new RpcError('PARENT_MISSING', {
        field: 'parcel_no',
        metadata: { order_ref: orderRef, parcel_no: String(parcelNo) },
      });
    }
    const field = await differenceFromParent(deps, parent, draft);
    return field === undefined ? undefined : invalid(field, 'AS_PARENT');
  } catch (error) {
    return toRpcError(error);
  }
}

/** The first field in which a child differs from its parent, though all of a shipment share it. */
async function differenceFromParent(
  deps: Deps,
  parent: KnownWaybillRow,
  child: ParcelDraft,
): Promise<string | undefined> {
  const stored = await openParcel(deps, parent);
  const courier = await deps.directory.courier(parent.courier_id);
  const serviceCode = child.serviceCode || serviceOf(courier, '');
  const { orderRef, courierId, nodeId, holdNodeId, parcelCount } = stored;
  // All that may differ from parcel to parcel is taken from the child.
  const asChild: ParcelDraft = {
    ...{ ...child, orderRef, courierId, nodeId, holdNodeId, parcelCount },
    serviceCode: stored.serviceCode,
    consignee: (stored.consignee ?? child.consignee) as ParcelDraft['consignee'],
  };
  return differingField(asChild, { ...child, serviceCode });
}

/** An answer says how the parcel belongs to its shipment. */
function name(answer: IssueAnswer, draft: ParcelDraft, parent: KnownWaybillRow | undefined): void {
  if (answer instanceof RpcError || draft.parcelCount === 1) return;
  answer.parcelNo = draft.parcelNo;
  answer.parcelCount = draft.parcelCount;
  answer.parentWaybillNumber = parent?.waybill_number ?? '';
}

function partition<T>(items: T[], isFirst: (item: T) => boolean): [T[], T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

type Batch = {
  merchant: Merchant;
  drafts: ParcelDraft[];
  /** Indexes among the drafts. */
  children: number[];
  answers: IssueAnswer[];
  draw: (indexes: number[]) => Promise<void>;
};
