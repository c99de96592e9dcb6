import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { draw, startLoad } from './load.ts';
import { scaled } from './scale.ts';

// kill -9 of the service under load: what a client was told is there, once, for ever.

let system: FaultSystem;

beforeAll(async () => {
  system = await openFaultSystem();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe('a service that is killed under load', () => {
  it('loses and doubles nothing that a client was told', async () => {
    const load = startLoad(system);
    for (let round = 0; round < scaled(2, 10); round++) {
      await load.more(scaled(10, 100));
      await system.service.kill();
      await system.service.start();
    }
    await load.more(10);
    expect(await load.stop()).toBeGreaterThan(100);
    expect(load.stats.failedCalls).toBeGreaterThan(0);
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  it('answers every repeat with the number that it gave before the kill', async () => {
    const first = system.told.slice(0, 200);
    const again: typeof first = [];
    for (let from = 0; from < first.length; from += 20) {
      const refs = first.slice(from, from + 20).map(({ orderRef }) => orderRef);
      await draw({ waybill: system.waybill, told: again }, refs);
    }
    expect(again.map(({ number }) => number)).toEqual(first.map(({ number }) => number));
  });

  // The twins: what the audit would say of a service that breaks its word.
  it('would be found out if it lost one waybill that it had answered', async () => {
    const number = system.told.at(-1)?.number;
    const move = 'update waybill.waybill set waybill_number = $2 where waybill_number = $1';
    await system.sql(move, [number, 'GONE1']);
    const faults = faultsOf(await system.audit());
    await system.sql(move, ['GONE1', number]);
    expect(faults.map((fault) => fault.split(' ')[0])).toEqual([
      'number-in-lease',
      'number-in-range',
      'issued-announced',
      'client-log',
    ]);
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  it('would be found out if its numbers were leased twice', async () => {
    // As if the leases of a dead process were given out again.
    await system.service.kill();
    await system.sql('alter table waybill.number_lease drop constraint number_lease_span_excl');
    await system.sql('alter table waybill.waybill drop constraint waybill_pkey cascade');
    await system.sql('update waybill.number_cursor set next_serial = next_serial - 200');
    await system.service.start();
    const load = startLoad({ ...system, tag: 'TWIN' });
    await load.more(20);
    await load.stop();
    const broken = faultsOf(await system.audit()).map((fault) => fault.split(' ')[0]);
    expect(broken).toContain('numbers-unique');
    expect(broken).toContain('leases-disjoint');
  });
});
