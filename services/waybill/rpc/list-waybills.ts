import { create } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { cutPage, pageSizeOf, readPageToken } from '#libs/page';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import {
  type ListWaybillsRequest,
  type ListWaybillsResponse,
  ListWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { bucketsOf } from '../bucket.ts';
import type { Deps } from '../deps.ts';
import { SLUG } from '../field.ts';
import { toMessage } from '../message.ts';
import { afterOf, keyOf } from '../page.ts';
import { stateFromMessage } from '../state.ts';
import { type PageArguments, selectPage } from '../store/waybill.ts';
import { merchantOf, tenantOf } from '../tenant.ts';

export async function listWaybills(
  { pool, directory }: Deps,
  request: ListWaybillsRequest,
  { identity }: CallContext,
): Promise<ListWaybillsResponse> {
  const merchant = await directory.merchant(merchantOf(identity, request.merchantId));
  const filters = parseFilters(request);
  const limit = pageSizeOf(request.pageSize);
  const binding = [merchant.merchantId, JSON.stringify(filters)];
  const token = readPageToken(request.pageToken, binding);
  const after = token && afterOf(token);
  const buckets = bucketsOf(merchant);
  const { merchantId } = merchant;
  const { setting } = tenantOf(identity);
  const query = { buckets, merchantId, setting, ...filters, after };
  // One more than asked for tells whether there is another page.
  const rows = await selectPage(pool, { ...query, limit: limit + 1 });
  const { rows: page, nextPageToken } = cutPage({ size: limit, binding }, rows, keyOf);
  return create(ListWaybillsResponseSchema, {
    waybills: page.map(toMessage),
    nextPageToken,
  });
}

function parseFilters(request: ListWaybillsRequest): Filters {
  const { courierId, nodeId } = request;
  const state = stateFromMessage(request.state);
  if (state === undefined && request.state !== Waybill_State.UNSPECIFIED) {
    throw invalid('state', 'UNKNOWN_VALUE');
  }
  if (courierId !== '' && !SLUG.test(courierId)) throw invalid('courier_id', 'SLUG');
  if (nodeId !== '' && !SLUG.test(nodeId)) throw invalid('node_id', 'SLUG');
  const issueTimeFrom = parseTime('issue_time_from', request.issueTimeFrom);
  const issueTimeBefore = parseTime('issue_time_before', request.issueTimeBefore);
  if (issueTimeFrom && issueTimeBefore && issueTimeBefore <= issueTimeFrom) {
    throw invalid('issue_time_before', 'ORDER_OF_TIMES', { other: 'issue_time_from' });
  }
  return {
    state,
    courierId: courierId || undefined,
    nodeId: nodeId || undefined,
    issueTimeFrom,
    issueTimeBefore,
  };
}

function parseTime(field: string, timestamp: Timestamp | undefined): Date | undefined {
  if (timestamp === undefined) return undefined;
  const time = timestampDate(timestamp);
  if (Number.isNaN(time.getTime())) throw invalid(field, 'TIME');
  return time;
}

type Filters = Pick<
  PageArguments,
  'state' | 'courierId' | 'nodeId' | 'issueTimeFrom' | 'issueTimeBefore'
>;
