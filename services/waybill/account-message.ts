import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type AccountMovement,
  AccountMovementSchema,
  type AccountUsage,
  AccountUsageSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import type { AccountUsageRow } from './store/account.ts';
import type { MovementRow } from './store/account-movement.ts';

export function usageToMessage(row: AccountUsageRow): AccountUsage {
  const drawn = BigInt(row.drawn_count);
  const cancelled = BigInt(row.cancelled_count);
  return create(AccountUsageSchema, {
    merchantId: row.merchant_id,
    courierId: row.courier_id,
    accountId: row.account_id,
    isPrepaid: row.is_prepaid,
    grantedCount: BigInt(row.granted_count),
    balanceCount: BigInt(row.balance_count),
    lowBalanceCount: BigInt(row.low_balance_count),
    ...(row.low_time && { lowTime: timestampFromDate(row.low_time) }),
    drawnCount: drawn,
    cancelledCount: cancelled,
    printedCount: BigInt(row.printed_count),
    cancelledPermille: drawn === 0n ? 0 : Number((cancelled * 1000n) / drawn),
  });
}

export function movementToMessage(row: MovementRow): AccountMovement {
  return create(AccountMovementSchema, {
    movementId: row.movement_id,
    merchantId: row.merchant_id,
    courierId: row.courier_id,
    accountId: row.account_id,
    count: BigInt(row.count),
    balanceCount: BigInt(row.balance_count),
    reason: row.reason,
    actor: row.actor,
    createTime: timestampFromDate(row.create_time),
    requestId: row.request_id,
  });
}
