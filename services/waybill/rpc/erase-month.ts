import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ofMerchant, transaction } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import {
  type EraseMonthRequest,
  type EraseMonthResponse,
  EraseMonthResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import { accessOf, type Ground, parseErasure } from '../access.ts';
import { bucketsOf } from '../bucket.ts';
import { clearMonth } from '../clear-month.ts';
import type { Deps } from '../deps.ts';
import { SLUG } from '../field.ts';
import { insertAccesses } from '../store/access.ts';
import { type ErasedKeyRow, lockDataKey, updateDestroyed } from '../store/erase.ts';

/** Calls that began in a month may still seal by its key for a moment, and clocks differ. */
const AFTER_MONTH_MS = 3_600_000;
/** What is left of the call's time for the answer. */
const ANSWER_MS = 2_000;

export async function eraseMonth(
  deps: Deps,
  request: EraseMonthRequest,
  context: CallContext,
): Promise<EraseMonthResponse> {
  const { merchantId, month } = request;
  if (!SLUG.test(merchantId)) throw invalid('merchant_id', merchantId ? 'SLUG' : 'REQUIRED');
  const ground = parseErasure(request);
  parseMonth(month, deps.now());
  const expected = `${merchantId}/${month}`;
  if (request.confirm !== expected) throw invalid('confirm', 'CONFIRM', { expected });
  const merchant = await deps.directory.merchant(merchantId);
  const key = await destroy(deps, { merchantId, month, ground }, context);
  const { clearedCount, done } = await clearMonth(deps, {
    merchantId,
    buckets: bucketsOf(merchant),
    key,
    untilMs: context.deadline.getTime() - ANSWER_MS,
  });
  return create(EraseMonthResponseSchema, {
    eraseTime: timestampFromDate(key.erase_time ?? deps.now()),
    clearedCount,
    done,
  });
}

/** After this commit no process opens or seals by the key. */
async function destroy(
  deps: Deps,
  { merchantId, month, ground }: { merchantId: string; month: string; ground: Ground },
  context: CallContext,
): Promise<ErasedKeyRow> {
  return await transaction(
    deps.pool,
    async (tx) => {
      const key = await lockDataKey(tx, merchantId, month);
      if (key === undefined) {
        throw new RpcError('DATA_KEY_NOT_FOUND', { metadata: { merchant_id: merchantId, month } });
      }
      if (key.erase_time !== null) return key;
      const time = deps.now();
      await updateDestroyed(tx, key.data_key_id, time);
      const access = { ...accessOf(context, ground, time), operation: 'erase_month' } as const;
      const reason = `${month}: ${ground.reason}`;
      await insertAccesses(tx, [
        { ...access, reason, merchant_id: merchantId, waybill_number: '' },
      ]);
      return { ...key, erase_time: time };
    },
    { tenant: ofMerchant(merchantId) },
  );
}

function parseMonth(month: string, now: Date): void {
  if (!/^20\d\d-(0[1-9]|1[0-2])$/.test(month)) throw invalid('month', 'MONTH');
  const end = new Date(`${month}-01T00:00:00Z`);
  end.setUTCMonth(end.getUTCMonth() + 1);
  if (now.getTime() < end.getTime() + AFTER_MONTH_MS) {
    throw new RpcError('MONTH_NOT_OVER', { field: 'month', metadata: { month } });
  }
}
