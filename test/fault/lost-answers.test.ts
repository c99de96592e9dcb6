import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { draw } from './load.ts';
import { type LossyProxy, openLossyProxy } from './lossy-proxy.ts';
import { scaled } from './scale.ts';

// The service does the work, and its answer gets lost on the way, twice for each call.

const BATCHES = scaled(15, 300);
const SIZE = 40;

let system: FaultSystem;
let proxy: LossyProxy;

beforeAll(async () => {
  system = await openFaultSystem();
  proxy = await openLossyProxy(system.address);
});

afterAll(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
});

describe('answers that get lost', () => {
  it('leave every parcel with one number, however often it is asked for', async () => {
    const { told, apiKey } = system;
    for (let batch = 0; batch < BATCHES; batch++) {
      // A connection of its own for each: what was lost before does not slow the next one down.
      using waybill = createClient(WaybillService, {
        address: proxy.address,
        credentials: { apiKey },
      });
      proxy.loseNext(2);
      await draw({ waybill, told }, refsOf('LOST', batch));
    }
    expect(proxy.lostCount).toBe(BATCHES * 2);
    expect(await countOf('LOST')).toBe(BATCHES * SIZE);
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  it('would double parcels for a client that does not keep its keys', async () => {
    using waybill = createClient(WaybillService, {
      address: proxy.address,
      credentials: { apiKey: system.apiKey },
    });
    // The client itself sends a call three times, key and all; after that it is the caller's turn.
    proxy.loseNext(3);
    let attempt = 0;
    const forgetful: typeof waybill.issueWaybills = (request, options) => {
      attempt += 1;
      const parcels = (request.parcels ?? []).map((parcel) => ({ ...parcel, parcelNo: attempt }));
      return waybill.issueWaybills({ ...request, parcels } as never, options);
    };
    await draw({ waybill: { issueWaybills: forgetful }, told: [] }, refsOf('TWIN', 0));
    expect(await countOf('TWIN')).toBeGreaterThan(SIZE);
  });
});

function refsOf(tag: string, batch: number): string[] {
  return Array.from({ length: SIZE }, (_, i) => `${tag}-${batch * SIZE + i}`);
}

async function countOf(tag: string): Promise<number> {
  const [row] = await system.sql<{ count: string }>(
    'select count(*) as count from waybill.waybill where order_ref like $1',
    [`${tag}-%`],
  );
  return Number(row?.count);
}
