import { RpcError } from '#libs/errors';
import type { Client } from '#libs/grpc';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { type DemoNetwork, demoNetwork } from './network.ts';

/**
 * Registers what is missing of the demo network, through the public contract and with an operator's
 * key. What is there stays as it is, also where somebody has changed it. Answers how many were new
 * or already the same.
 */
export async function loadDemo(clients: {
  network: Client<typeof NetworkService>;
}): Promise<number> {
  const { network } = clients;
  const { merchants, couriers, nodes, numberRanges }: DemoNetwork = demoNetwork();
  const steps = [
    ...merchants.map((merchant) => () => network.createMerchant({ merchant })),
    ...couriers.map((courier) => () => network.createCourier({ courier })),
    // After the merchants and couriers that they name.
    ...nodes.map((node) => () => network.createNode({ node })),
    ...numberRanges.map((numberRange) => () => network.createNumberRange({ numberRange })),
  ];
  let count = 0;
  for (const step of steps) if (await isCreated(step)) count += 1;
  return count;
}

async function isCreated(step: () => Promise<unknown>): Promise<boolean> {
  try {
    await step();
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'RESOURCE_EXISTS') return false;
    throw error;
  }
}
