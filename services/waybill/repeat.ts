import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { RpcError } from '#libs/errors';
import { type IssuedWaybill, IssuedWaybillSchema } from '#proto/queqiao/waybill/v1/waybill_service';
import type { Deps } from './deps.ts';
import { differingField, type ParcelDraft } from './parcel.ts';
import { openParcel } from './sealed.ts';
import { stateToMessage } from './state.ts';
import type { KnownWaybillRow } from './store/issue.ts';
import { nameOf, selectFirstVersion } from './store/version.ts';

/**
 * The first answer again, if the contents are those that the waybill was issued with, or those
 * that it has now; if not, PARCEL_KEY_REUSED with the field that differs from now. One system goes
 * on repeating what it sent first, another one knows of the change.
 */
export async function answerRepeat(
  deps: Deps,
  known: KnownWaybillRow,
  draft: ParcelDraft,
): Promise<IssuedWaybill | RpcError> {
  const field = differingField(await asDraft(deps, known, draft), draft);
  if (field === undefined || (await isAsIssued(deps, known, draft))) {
    return create(IssuedWaybillSchema, {
      waybillNumber: known.waybill_number,
      issueTime: timestampFromDate(known.issue_time),
      alreadyIssued: true,
      state: stateToMessage(known.state),
    });
  }
  return new RpcError('PARCEL_KEY_REUSED', {
    field,
    metadata: {
      field,
      order_ref: known.order_ref,
      parcel_no: String(known.parcel_no),
      waybill_number: known.waybill_number,
    },
  });
}

/** Whether the contents are those of the first version, which a change has replaced. */
async function isAsIssued(deps: Deps, known: KnownWaybillRow, draft: ParcelDraft) {
  if (known.version === 1) return false;
  const first = await selectFirstVersion(deps.pool, nameOf(known));
  if (first === undefined) return false;
  return differingField(await asDraft(deps, { ...known, ...first }, draft), draft) === undefined;
}

/** What was asked for when `known` was issued. */
async function asDraft(deps: Deps, known: KnownWaybillRow, now: ParcelDraft): Promise<ParcelDraft> {
  const stored = await openParcel(deps, known);
  // Once erased, a consignee can no longer differ, nor can the remark that went with it.
  const consignee = now.isConsigneeDefault ? undefined : stored.consignee;
  return {
    ...stored,
    // Left to the courier's default, today's default is as good as that of the day.
    serviceCode: now.serviceCode === '' ? '' : known.service_code,
    consignee: (consignee ?? now.consignee) as ParcelDraft['consignee'],
    accountId: now.accountId === '' ? '' : known.account_id,
    outwardNumber: known.outward_number ?? undefined,
    ...(stored.consignee === undefined && { remark: now.remark }),
  };
}
