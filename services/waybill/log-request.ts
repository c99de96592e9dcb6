import type { Identity } from '#libs/grpc';
import { parseLogPage } from './page.ts';
import { parseWaybillNumber } from './parcel.ts';
import { merchantOf } from './tenant.ts';

/**
 * What a request for a log of one merchant asks for, of all of its waybills or of one. An operator
 * that names no merchant sees those of all.
 */
export function parseLogRequest(request: LogRequest, identity: Identity) {
  const isForAll = identity.kind === 'operator' && request.merchantId === '';
  const merchantId = isForAll ? null : merchantOf(identity, request.merchantId);
  const { waybillNumber } = request;
  if (waybillNumber !== '') parseWaybillNumber('waybill_number', waybillNumber);
  const page = parseLogPage(request, [merchantId ?? '', waybillNumber]);
  return { merchantId, waybillNumber: waybillNumber || null, page };
}

type LogRequest = {
  merchantId: string;
  waybillNumber: string;
  pageSize: number;
  pageToken: string;
};
