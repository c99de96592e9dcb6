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
import { type KnownWaybillRow, selectByKeys } from './store/issue.ts';
import type { WaybillRow } from './store/waybill.ts';

// A shipment is one order's parcels with a parcel_count above 1: parcel 1 is the parent, the others
// are its children. Nothing of this touches parcels that travel alone.

/** Issues parents before their children, and a child only under a live parent that it matches. */
export function withShipments(deps: Deps, issue: Issue): Issue {
  return async (merchant, drafts) => {
    if (!drafts.some(({ parcelCount }) => parcelCount > 1)) return issue(merchant, drafts);
    const answers = new Array<IssueAnswer>(drafts.length);
    const [children, others] = partition([...drafts.keys()], (i) => isChild(drafts[i]));
    const draw = async (indexes: number[]) => {
      if (indexes.length === 0) return;
      const drawn = await issue(
        merchant,
        indexes.map((i) => drafts[i] as ParcelDraft),
      );
      for (const [k, i] of indexes.entries()) answers[i] = drawn[k] as IssueAnswer;
    };
    await draw(others);
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
    await draw(wanted);
    for (const [i, answer] of answers.entries()) {
      if (!(answer instanceof RpcError)) name(answer, drafts[i] as ParcelDraft, parents.get(i));
    }
    return answers;
  };
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
  const firsts = drafts.map((draft) => ({ ...draft, parcelNo: 1 }));
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
    const { orderRef, parcelNo } = drafts[i] as ParcelDraft;
    const bucket = bucketOf(merchant, orderRef);
    const merchant_id = merchant.merchantId;
    return { bucket, merchant_id, order_ref: orderRef, parcel_no: parcelNo };
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
