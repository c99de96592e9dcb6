import { RpcError } from '#libs/errors';
import { pageSizeOf, readPageToken } from '#libs/page';
import { WAYBILL_NUMBER } from './parcel.ts';

/** Where the page before ended; anybody can make a token, so it is input like any other. */
export function afterOf([time = '', waybillNumber = '']: string[]): Position {
  const issueTime = new Date(time);
  if (Number.isNaN(issueTime.getTime()) || !WAYBILL_NUMBER.test(waybillNumber)) {
    throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  }
  return { issueTime, waybillNumber };
}

/** What `afterOf` reads again. */
export function keyOf(row: { issue_time: Date; waybill_number: string }): string[] {
  return [row.issue_time.toISOString(), row.waybill_number];
}

/** Which entries of a log, newest first: up to `size` that come before the id `beforeId`. */
export function parseLogPage(request: PageRequest, binding: string[]): LogPage {
  const [beforeId = null] = readPageToken(request.pageToken, binding) ?? [];
  if (beforeId !== null && !/^\d{1,18}$/.test(beforeId)) {
    throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  }
  return { beforeId, size: pageSizeOf(request.pageSize), binding };
}

type PageRequest = { pageSize: number; pageToken: string };
type LogPage = { beforeId: string | null; size: number; binding: string[] };

/** In a list of waybills, newest first. */
export type Position = { issueTime: Date; waybillNumber: string };
