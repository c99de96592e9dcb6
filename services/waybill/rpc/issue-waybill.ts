import { create } from '@bufbuild/protobuf';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type IssueWaybillRequest,
  type IssueWaybillResponse,
  IssueWaybillResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import type { Received } from '../consignee-bytes.ts';
import type { Deps } from '../deps.ts';
import type { Issue } from '../issue.ts';
import { parseParcel } from '../parcel.ts';
import { merchantOf } from '../tenant.ts';

export async function issueWaybill(
  { directory, issue }: Deps & { issue: Issue },
  { message: { merchantId, parcel }, consigneeBytes }: Received<IssueWaybillRequest>,
  { identity }: CallContext,
): Promise<IssueWaybillResponse> {
  const merchant = await directory.merchant(merchantOf(identity, merchantId));
  if (parcel === undefined) throw invalid('parcel', 'REQUIRED');
  // A parcel that stands twice is merged into one, which the bytes of either are not.
  const bytes = consigneeBytes.length === 1 ? consigneeBytes[0] : undefined;
  const [answer] = await issue(merchant, [parseParcel(parcel, bytes)]);
  if (answer instanceof RpcError) throw answer;
  return create(IssueWaybillResponseSchema, answer === undefined ? {} : { issued: answer });
}
