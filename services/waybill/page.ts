import { RpcError } from '#libs/errors';
import { WAYBILL_NUMBER } from './parcel.ts';

/** Where the page before ended; anybody can make a token, so it is input like any other. */
export function afterOf([time = '', waybillNumber = '']: string[]): Position {
  const issueTime = new Date(time);
  if (Number.isNaN(issueTime.getTime()) || !WAYBILL_NUMBER.test(waybillNumber)) {
    throw new RpcError('PAGE_TOKEN_INVALID', { field: 'page_token' });
  }
  return { issueTime, waybillNumber };
}

/** In a list of waybills, newest first. */
export type Position = { issueTime: Date; waybillNumber: string };
