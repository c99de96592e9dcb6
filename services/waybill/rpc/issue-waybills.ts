import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type { AnsweredParcels } from '../answer.ts';
import type { Deps } from '../deps.ts';
import type { Issue, IssueAnswer } from '../issue.ts';
import type { ParcelDraft } from '../parcel.ts';
import type { ReceivedParcels } from '../receive.ts';
import { merchantOf } from '../tenant.ts';

const PARCELS_MAX = 1_000;

export async function issueWaybills(
  { directory, issue }: Deps & { issue: Issue },
  { merchantId, parcels }: ReceivedParcels,
  { identity }: CallContext,
): Promise<AnsweredParcels> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  if (parcels.length === 0 || parcels.length > PARCELS_MAX) {
    throw invalid('parcels', 'LIST_SIZE', { min: 1, max: PARCELS_MAX });
  }
  const drafts = parcels.filter((parcel): parcel is ParcelDraft => !('error' in parcel));
  const drawn = await issue(merchant, drafts, identity);
  if (drafts.length === parcels.length) return { parcels, answers: drawn };
  const rest = drawn.values();
  const answers = parcels.map(
    (parcel): IssueAnswer => ('error' in parcel ? parcel.error : answerIn(rest)),
  );
  return { parcels, answers };
}

function answerIn(answers: Iterator<IssueAnswer>): IssueAnswer {
  const next = answers.next();
  return next.done ? new RpcError('INTERNAL') : next.value;
}
