import { create } from '@bufbuild/protobuf';
import { invalid, type Problem } from '#libs/errors';
import {
  type CourierAccount,
  CourierAccount_Billing,
  CourierAccountSchema,
} from '#proto/queqiao/network/v1/courier_account';
import { inRange, present, slug, text, word } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of an account, valid and named as the columns are. */
export type CourierAccountDraft = {
  account_id: string;
  merchant_id: string;
  courier_id: string;
  branch_code: string;
  branch_name: string;
  billing: Billing;
  customer_code: string;
  node_ids: string[];
  state: State;
  /** A decimal text. */
  low_balance_count: string;
  refund_on_cancel: boolean;
};

export type CourierAccountRow = CourierAccountDraft & Versioned;

export const COURIER_ACCOUNT_FIXED = [
  'merchant_id',
  'courier_id',
  'billing',
  'refund_on_cancel',
] as const satisfies (keyof CourierAccountDraft)[];

export function parseNewCourierAccount(account: CourierAccount | undefined): CourierAccountDraft {
  return parse(account, newState);
}

export function parseCourierAccount(account: CourierAccount | undefined): CourierAccountDraft {
  return parse(account, state);
}

function parse(account: CourierAccount | undefined, stateOf: typeof state): CourierAccountDraft {
  const given = present('courier_account', account);
  const draft: CourierAccountDraft = {
    account_id: slug('courier_account.account_id', given.accountId),
    merchant_id: slug('courier_account.merchant_id', given.merchantId),
    courier_id: slug('courier_account.courier_id', given.courierId),
    branch_code: code('courier_account.branch_code', given.branchCode, 32),
    branch_name: text('courier_account.branch_name', given.branchName, 0, 80),
    billing: word('courier_account.billing', given.billing, BILLINGS),
    customer_code: code('courier_account.customer_code', given.customerCode, 64),
    node_ids: parseNodeIds(given.nodeIds),
    state: stateOf('courier_account.state', given.state),
    low_balance_count: String(
      inRange('courier_account.low_balance_count', given.lowBalanceCount, 0n, LOW_BALANCE_MAX),
    ),
    refund_on_cancel: given.refundOnCancel,
  };
  mustHaveBalance(draft);
  return draft;
}

/** What speaks of a balance is for accounts that have one. */
function mustHaveBalance(draft: CourierAccountDraft): void {
  if (draft.billing === 'prepaid') return;
  const problem: Problem = 'NOT_ALLOWED';
  if (draft.low_balance_count !== '0') throw invalid('courier_account.low_balance_count', problem);
  if (draft.refund_on_cancel) throw invalid('courier_account.refund_on_cancel', problem);
}

function code(field: string, value: string, max: number): string {
  if (value.length > max) throw invalid(field, 'TOO_LONG', { max });
  if (!CODE.test(value)) throw invalid(field, 'ACCOUNT_CODE');
  return value;
}

function parseNodeIds(nodeIds: string[]): string[] {
  const field = 'courier_account.node_ids';
  if (nodeIds.length > NODES_MAX) throw invalid(field, 'LIST_SIZE', { min: 0, max: NODES_MAX });
  return nodeIds.map((nodeId, i) => {
    if (nodeIds.indexOf(nodeId) < i) throw invalid(`${field}[${i}]`, 'REPEATED');
    return slug(`${field}[${i}]`, nodeId);
  });
}

export function courierAccountToMessage(row: CourierAccountRow): CourierAccount {
  return create(CourierAccountSchema, {
    accountId: row.account_id,
    merchantId: row.merchant_id,
    courierId: row.courier_id,
    branchCode: row.branch_code,
    branchName: row.branch_name,
    billing: BILLINGS[row.billing],
    customerCode: row.customer_code,
    nodeIds: row.node_ids,
    state: STATES[row.state],
    lowBalanceCount: BigInt(row.low_balance_count),
    refundOnCancel: row.refund_on_cancel,
    ...history(row.account_id, row),
  });
}

/** Billings as the database holds them. */
export const BILLINGS = {
  prepaid: CourierAccount_Billing.PREPAID,
  monthly: CourierAccount_Billing.MONTHLY,
} as const;
const NODES_MAX = 200;
const LOW_BALANCE_MAX = 1_000_000_000n;
const CODE = /^[A-Za-z0-9_.-]*$/;

type Billing = keyof typeof BILLINGS;
