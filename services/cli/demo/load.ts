import { RpcError } from '#libs/errors';
import type { Client } from '#libs/grpc';
import { CourierAccount_Billing } from '#proto/queqiao/network/v1/courier_account';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import { type DemoNetwork, demoNetwork } from './network.ts';
import { demoSortRows } from './sort-codes.ts';

/**
 * Registers what is missing of the demo network, through the public contract and with an operator's
 * key. What is there stays as it is, also where somebody has changed it. Answers how many were new
 * or already the same.
 */
export async function loadDemo(clients: {
  network: Client<typeof NetworkService>;
  account: Client<typeof AccountService>;
}): Promise<number> {
  const { network, account } = clients;
  const { merchants, couriers, nodes, numberRanges, accounts }: DemoNetwork = demoNetwork();
  const steps = [
    ...merchants.map((merchant) => () => network.createMerchant({ merchant })),
    ...couriers.map((courier) => () => network.createCourier({ courier })),
    // After the merchants and couriers that they name.
    ...nodes.map((node) => () => network.createNode({ node })),
    ...numberRanges.map((numberRange) => () => network.createNumberRange({ numberRange })),
    ...accounts.map((courierAccount) => () => network.createCourierAccount({ courierAccount })),
    ...sortTablesOf(couriers).map((table) => () => network.createSortTable(table)),
  ];
  let count = 0;
  for (const step of steps) if (await isCreated(step)) count += 1;
  for (const { accountId, merchantId, billing } of accounts) {
    if (billing !== CourierAccount_Billing.PREPAID) continue;
    await account.topUpAccount({ merchantId, accountId, ...TOP_UP });
  }
  return count;
}

/** One for each courier that sorts by codes, which those for abroad do not. */
function sortTablesOf(couriers: DemoNetwork['couriers']) {
  const rows = demoSortRows();
  return couriers
    .filter(({ services }) => services.some(({ serviceCode }) => serviceCode === 'standard'))
    .map(({ courierId }) => ({ sortTable: { sortTableId: `${courierId}-demo`, courierId }, rows }));
}

/** With the same request_id every time, so that an account is filled once. */
const TOP_UP = {
  count: 1_000_000n,
  reason: '演示',
  requestId: '6f5b1c1e-2a52-4d0b-9d7a-0b4f0c6d2026',
};

async function isCreated(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'RESOURCE_EXISTS') return false;
    throw error;
  }
}
