import { create } from '@bufbuild/protobuf';
import { transaction } from '#libs/db';
import { invalid } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { cutPage, readPageToken } from '#libs/page';
import { type NormalPhone, normalizePhone } from '#libs/privacy';
import {
  type FindWaybillsByPhoneRequest,
  type FindWaybillsByPhoneResponse,
  FindWaybillsByPhoneResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { accessOf, parseGround } from '../access.ts';
import { openConsignee } from '../consignee.ts';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { afterOf, keyOf } from '../page.ts';
import { parsePhone } from '../parcel.ts';
import { insertAccesses } from '../store/access.ts';
import { type SealedWaybillRow, selectByPhone } from '../store/vault.ts';
import { merchantOf } from '../tenant.ts';

const PAGE_SIZE_DEFAULT = 20;
const PAGE_SIZE_MAX = 100;

export async function findWaybillsByPhone(
  deps: Deps,
  request: FindWaybillsByPhoneRequest,
  context: CallContext,
): Promise<FindWaybillsByPhoneResponse> {
  const merchantId = merchantOf(context.identity, request.merchantId);
  await deps.directory.merchant(merchantId);
  const ground = parseGround(request, context.identity);
  const phone = parsePhone('phone', request.phone.normalize('NFKC').replace(/\s/g, ''));
  const limit = parsePageSize(request.pageSize);
  const sought = normalizePhone(phone);
  const phoneIndex = (await deps.dataKeys.phoneIndex(merchantId))(sought.number);
  // Bound by the keyed hash: a plain one would let anybody find the phone by trying all.
  const binding = [merchantId, String(phoneIndex), sought.extension];
  const token = readPageToken(request.pageToken, binding);
  const after = token && afterOf(token);
  const rows = await transaction(deps.pool, async (tx) => {
    const common = accessOf(context, ground, deps.now());
    const access = { ...common, operation: 'find', merchant_id: merchantId } as const;
    await insertAccesses(tx, [{ ...access, waybill_number: '' }]);
    // One more than asked for tells whether there is another page.
    return await selectByPhone(tx, { merchantId, phoneIndex, after, limit: limit + 1 });
  });
  const { rows: page, nextPageToken } = cutPage({ size: limit, binding }, rows, keyOf);
  const isSought = await Promise.all(page.map((row) => hasPhone(deps, row, sought)));
  return create(FindWaybillsByPhoneResponseSchema, {
    waybills: page.filter((_, i) => isSought[i]).map(toMessage),
    nextPageToken,
  });
}

/** Two phones may share a hash, and many people a virtual number. */
async function hasPhone(
  { dataKeys }: Deps,
  row: SealedWaybillRow,
  { number, extension }: NormalPhone,
): Promise<boolean> {
  if (row.is_erased) return false;
  const consignee = await openConsignee(dataKeys, row);
  const found = normalizePhone(consignee?.phone ?? '');
  return found.number === number && (extension === '' || found.extension === extension);
}

function parsePageSize(pageSize: number): number {
  if (pageSize < 0 || pageSize > PAGE_SIZE_MAX) {
    throw invalid('page_size', 'OUT_OF_RANGE', { min: 0, max: PAGE_SIZE_MAX });
  }
  return pageSize || PAGE_SIZE_DEFAULT;
}
