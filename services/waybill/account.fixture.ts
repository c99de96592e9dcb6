// For the tests of accounts: accounts of their own, and what the database itself counts.
import { randomBytes, randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { inject, vi } from 'vitest';
import { createClient } from '#libs/grpc';
import { createLogger } from '#libs/log';
import {
  CourierAccount_Billing,
  type CourierAccountSchema,
} from '#proto/queqiao/network/v1/courier_account';
import { AccountService, type AccountUsage } from '#proto/queqiao/waybill/v1/account_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  type TestSystem,
} from '#test/support/system';
import { runServices } from '../run.ts';
import { waybill } from './module.ts';

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

/** A second process of the waybill service, on the same database. */
export async function secondServer(
  system: TestSystem,
  cancelRatio = { percent: 20, freeCount: 500 },
) {
  const services = await runServices({
    modules: [waybill],
    databaseUrl: system.database.url,
    natsUrl: inject('natsUrl'),
    listen: '127.0.0.1:0',
    networkAddress: system.address,
    secrets: system.secrets,
    settings: { cancelRatio },
    reflection: false,
    log: createLogger({ name: 'second', level: 'silent' }),
    now: () => new Date(),
  });
  const { address } = services;
  const clients: Disposable[] = [];
  const keep = <T extends Disposable>(client: T): T => {
    clients.push(client);
    return client;
  };
  return {
    waybill: (apiKey: string) =>
      keep(createClient(WaybillService, { address, credentials: { apiKey } })),
    account: (apiKey: string) =>
      keep(createClient(AccountService, { address, credentials: { apiKey } })),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client[Symbol.dispose]();
      await services.stop(20_000);
    },
  };
}

type AccountInit = Partial<
  Exclude<MessageInitShape<typeof CourierAccountSchema>, { $typeName: string }>
>;
