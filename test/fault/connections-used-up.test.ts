import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { startLoad } from './load.ts';
import { parcelOf } from './shop.ts';

// Somebody else takes every connection that Postgres has: callers hear so quickly, and the service
// comes back when there are some.

const CONNECTIONS = 40;

let system: FaultSystem;

beforeAll(async () => {
  system = await openFaultSystem({
    postgresSettings: { max_connections: String(CONNECTIONS), superuser_reserved_connections: '0' },
  });
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe('connections that are used up', () => {
  it('give a quick answer to come again, and no crash', async () => {
    const load = startLoad({ ...system, lanes: 2 });
    await load.more(5);
    const { pid } = system.service;
    const takers = await takeAll();
    const startMs = performance.now();
    const { outcomes } = await system.waybill
      .issueWaybills({ parcels: [parcelOf('REFUSED-1')] }, { deadlineMs: 8_000 })
      .catch((error) => ({ outcomes: [{ outcome: { case: 'error', value: error } }] }) as never);
    expect(performance.now() - startMs).toBeLessThan(5_000);
    const { code } = new RpcError('DEPENDENCY_DOWN');
    expect(outcomes[0]?.outcome).toMatchObject({ case: 'error', value: { code, retryable: true } });
    const freedMs = performance.now();
    await Promise.all(takers.map((taker) => taker.end()));
    await load.more();
    expect(performance.now() - freedMs).toBeLessThan(5_000);
    await load.stop();
    expect([system.service.isRunning, system.service.pid]).toEqual([true, pid]);
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  it('would be found out if the refused call had been taken for an answer', async () => {
    const line = system.told.length + 1;
    system.told.push({ line, orderRef: 'REFUSED-1', parcelNo: 1, number: '26000001000000' });
    expect(faultsOf(await system.audit())).toEqual([expect.stringMatching(/^client-log × 1/)]);
  });
});

/** Every connection, those of the service too: they are ended, and taken before it is back. */
async function takeAll(): Promise<Client[]> {
  const takers: Client[] = [];
  let isFull = false;
  const take = async () => {
    const client = new Client({ connectionString: system.postgres.url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      takers.push(client);
    } catch {
      isFull = true;
      await client.end().catch(() => undefined);
    }
  };
  while (!isFull) await take();
  const [first] = takers;
  for (let round = 0; round < 200 && takers.length < CONNECTIONS; round++) {
    await first?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name like 'queqiao-%' or application_name = 'fault'`,
    );
    await Promise.all(Array.from({ length: 5 }, take));
  }
  expect(takers.length).toBeGreaterThanOrEqual(CONNECTIONS - 1);
  return takers;
}
