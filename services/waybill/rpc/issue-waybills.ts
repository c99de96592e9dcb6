import { invalid, RpcError, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type {
  IssueOutcome,
  IssueWaybillsRequest,
  IssueWaybillsResponse,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Received } from '../consignee-bytes.ts';
import type { Deps } from '../deps.ts';
import type { Issue, IssueAnswer } from '../issue.ts';
import { type ParcelDraft, parseParcel } from '../parcel.ts';
import { merchantOf } from '../tenant.ts';

const PARCELS_MAX = 1_000;

export async function issueWaybills(
  { directory, issue }: Deps & { issue: Issue },
  { message: { merchantId, parcels }, consigneeBytes }: Received<IssueWaybillsRequest>,
  { identity }: CallContext,
): Promise<IssueWaybillsResponse> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  if (parcels.length === 0 || parcels.length > PARCELS_MAX) {
    throw invalid('parcels', 'LIST_SIZE', { min: 1, max: PARCELS_MAX });
  }
  const answers = new Array<IssueAnswer>(parcels.length);
  const drafts: ParcelDraft[] = [];
  const indexes: number[] = [];
  for (const [i, parcel] of parcels.entries()) {
    try {
      drafts.push(parseParcel(parcel, consigneeBytes[i]));
      indexes.push(i);
    } catch (error) {
      answers[i] = error as RpcError;
    }
  }
  for (const [i, answer] of (await issue(merchant, drafts)).entries()) {
    answers[indexes[i] as number] = answer;
  }
  return {
    $typeName: 'queqiao.waybill.v1.IssueWaybillsResponse',
    outcomes: parcels.map(({ orderRef, parcelNo }, i) => ({
      $typeName: 'queqiao.waybill.v1.IssueOutcome',
      orderRef,
      parcelNo,
      outcome: toOutcome(answers[i] as IssueAnswer),
    })),
  };
}

function toOutcome(answer: IssueAnswer): IssueOutcome['outcome'] {
  return answer instanceof RpcError
    ? { case: 'error', value: toItemError(answer) }
    : { case: 'issued', value: answer };
}
