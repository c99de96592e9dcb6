// For the tests of accounts: accounts of their own, and what the database itself counts.
import { randomBytes, randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { vi } from 'vitest';
import {
  CourierAccount_Billing,
  type CourierAccountSchema,
} from '#proto/queqiao/network/v1/courier_account';
import type { AccountUsage } from '#proto/queqiao/waybill/v1/account_service';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  type TestSystem,
} from '#test/support/system';

/** An account of the merchant at its courier, prepaid with `count`; known to the server. */
export async function seedAccount(
  system: TestSystem,
  shop: SeededMerchant,
  { count = 0n, ...change }: { count?: bigint } & AccountInit = {},
): Promise<string> {
  const accountId = `account-${randomBytes(4).toString('hex')}`;
  const { merchantId, courierId } = shop;
  const billing = CourierAccount_Billing.PREPAID;
  await system.network().createCourierAccount({
    courierAccount: { accountId, merchantId, courierId, billing, ...change },
  });
  const account = { merchantId, courierId: change.courierId ?? courierId, accountId };
  await vi.waitFor(() => system.account().getAccountUsage(account), 10_000);
  if (count > 0n) await topUp(system, shop, accountId, count);
  return accountId;
}

export async function topUp(
  system: TestSystem,
  { merchantId }: SeededMerchant,
  accountId: string,
  count: bigint,
) {
  const requestId = randomUUID();
  const request = { merchantId, accountId, count, reason: 'test', requestId };
  return (await system.account().topUpAccount(request)).movement;
}

export async function usageOf(
  system: TestSystem,
  { merchantId, courierId }: SeededMerchant,
  accountId = '',
): Promise<AccountUsage> {
  const request = { merchantId, courierId, accountId };
  const { usage } = await system.account().getAccountUsage(request);
  if (usage === undefined) throw new Error('no usage');
  return usage;
}

/** The numbers of parcels drawn one call each or all in one; throws what a parcel failed with. */
export async function draw(
  system: TestSystem,
  shop: SeededMerchant,
  parcels: ParcelInit[],
): Promise<string[]> {
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) => {
    if (outcome.case === 'issued') return outcome.value.waybillNumber;
    throw new Error(outcome.value?.textEn);
  });
}

export function parcels(shop: SeededMerchant, prefix: string, count: number): ParcelInit[] {
  return Array.from({ length: count }, (_, i) => parcelOf(shop, `${prefix}-${i}`));
}

/** What the waybills themselves say: the oracle of the counts. */
export async function recount(
  system: TestSystem,
  { merchantId, courierId }: SeededMerchant,
  accountId = '',
): Promise<{ drawnCount: bigint; cancelledCount: bigint; printedCount: bigint }> {
  const [row] = await system.database.query<Record<'drawn' | 'cancelled' | 'printed', string>>(
    `select count(*) as drawn, count(*) filter (where state = 'cancelled') as cancelled,
       coalesce(sum(print_count), 0) as printed
     from waybill.waybill where merchant_id = $1 and courier_id = $2 and account_id = $3`,
    [merchantId, courierId, accountId],
  );
  return {
    drawnCount: BigInt(row?.drawn ?? 0),
    cancelledCount: BigInt(row?.cancelled ?? 0),
    printedCount: BigInt(row?.printed ?? 0),
  };
}

type AccountInit = Partial<
  Exclude<MessageInitShape<typeof CourierAccountSchema>, { $typeName: string }>
>;
