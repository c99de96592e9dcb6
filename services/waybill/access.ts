import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#libs/errors';
import type { CallContext, Identity } from '#libs/grpc';
import {
  type ConsigneeAccess,
  ConsigneeAccess_Operation,
  ConsigneeAccessSchema,
  Purpose,
} from '#proto/queqiao/waybill/v1/vault_service';
import { mustBeText } from './field.ts';
import type { AccessRow, NewAccessRow } from './store/access.ts';

// The log of accesses: who opened, sought or erased whose consignee, when and why.

/** Words as the database holds them; the schema's checks repeat them and a test compares. */
export const PURPOSES = {
  none: Purpose.UNSPECIFIED,
  label_printing: Purpose.LABEL_PRINTING,
  delivery: Purpose.DELIVERY,
  customer_service: Purpose.CUSTOMER_SERVICE,
  return: Purpose.RETURN,
  data_subject_request: Purpose.DATA_SUBJECT_REQUEST,
  legal_request: Purpose.LEGAL_REQUEST,
} as const satisfies Record<string, Purpose>;

export const OPERATIONS = {
  read: ConsigneeAccess_Operation.READ,
  find: ConsigneeAccess_Operation.FIND,
  erase_parcel: ConsigneeAccess_Operation.ERASE_PARCEL,
  erase_month: ConsigneeAccess_Operation.ERASE_MONTH,
} as const satisfies Record<string, ConsigneeAccess_Operation>;

/** Why a caller wants to see something: a purpose, and where it is asked for a reason in words. */
export function parseGround(
  { purpose, reason }: { purpose: Purpose; reason: string },
  { kind }: Identity,
): Ground {
  const word = PURPOSE_WORDS.find((each) => PURPOSES[each] === purpose);
  if (word === undefined) throw invalid('purpose', 'UNKNOWN_VALUE');
  if (word === 'none') throw invalid('purpose', 'REQUIRED');
  const isRequired = kind === 'operator' || word === 'legal_request';
  mustBeText('reason', reason, isRequired ? 1 : 0, REASON_MAX);
  return { purpose: word, reason };
}

/** Why something is erased. */
export function parseErasure({ reason }: { reason: string }): Ground {
  mustBeText('reason', reason, 1, REASON_MAX);
  return { purpose: 'none', reason };
}

/** What of an entry is the same for all waybills of a call. */
export function accessOf({ identity, requestId }: CallContext, ground: Ground, time: Date) {
  return {
    access_time: time,
    caller_kind: identity.kind,
    caller_id: identity.id,
    key_id: identity.keyId,
    request_id: requestId,
    ...ground,
  } satisfies Partial<NewAccessRow>;
}

export function accessToMessage(row: AccessRow): ConsigneeAccess {
  return create(ConsigneeAccessSchema, {
    accessId: BigInt(row.access_id),
    accessTime: timestampFromDate(row.access_time),
    operation: OPERATIONS[row.operation],
    callerKind: row.caller_kind,
    callerId: row.caller_id,
    keyId: row.key_id,
    requestId: row.request_id,
    merchantId: row.merchant_id,
    waybillNumber: row.waybill_number,
    purpose: PURPOSES[row.purpose],
    reason: row.reason,
  });
}

const REASON_MAX = 200;
const PURPOSE_WORDS = Object.keys(PURPOSES) as (keyof typeof PURPOSES)[];

export type Ground = { purpose: keyof typeof PURPOSES; reason: string };
