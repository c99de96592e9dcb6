import { create } from '@bufbuild/protobuf';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type IssueWaybillRequest,
  type IssueWaybillResponse,
  IssueWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from '../deps.ts';
import type { Issue } from '../issue.ts';
import { parseParcel } from '../parcel.ts';
import { merchantOf } from '../tenant.ts';

export async function issueWaybill(
  { directory, issue }: Deps & { issue: Issue },
  { merchantId, parcel }: IssueWaybillRequest,
  { identity }: CallContext,
): Promise<IssueWaybillResponse> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  if (parcel === undefined) throw invalid('parcel', 'REQUIRED');
  const [answer] = await issue(merchant, [parseParcel(parcel)]);
  if (answer instanceof RpcError) throw answer;
  return create(IssueWaybillResponseSchema, answer === undefined ? {} : { issued: answer });
}
