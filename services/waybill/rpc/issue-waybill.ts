import { create } from '@bufbuild/protobuf';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type IssueWaybillResponse,
  IssueWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import type { Issue } from '../issue.ts';
import type { ReceivedParcels } from '../receive.ts';
import { merchantOf } from '../tenant.ts';

export async function issueWaybill(
  { directory, issue }: Deps & { issue: Issue },
  { merchantId, parcels }: ReceivedParcels,
  { identity }: CallContext,
): Promise<IssueWaybillResponse> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  const [parcel, second] = parcels;
  if (parcel === undefined) throw invalid('parcel', 'REQUIRED');
  if (second !== undefined) throw invalid('parcel', 'REPEATED');
  if ('error' in parcel) throw parcel.error;
  const [answer] = await issue(merchant, [parcel], identity);
  if (answer instanceof RpcError) throw answer;
  return create(IssueWaybillResponseSchema, answer === undefined ? {} : { issued: answer });
}
