import { afterEach, describe, expect, it } from 'vitest';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { startLoad } from './load.ts';
import { LONG_MS, scaled } from './scale.ts';

// kill -9 of Postgres under load: the service stays, comes back within seconds, and every row that
// it answered is there.

const RECOVERY_MS = 5_000;

let system: FaultSystem | undefined;

afterEach(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe('a Postgres that is killed under load', () => {
  it('loses nothing, and the service goes on by itself', { timeout: LONG_MS }, async () => {
    system = await openFaultSystem();
    const { pid } = system.service;
    const load = startLoad(system);
    for (let round = 0; round < scaled(2, 10); round++) {
      await load.more(scaled(10, 50));
      await system.postgres.kill();
      await system.postgres.start();
      const startMs = performance.now();
      await load.more();
      expect(performance.now() - startMs).toBeLessThan(RECOVERY_MS);
      expect([system.service.isRunning, system.service.pid]).toEqual([true, pid]);
    }
    await load.stop();
    expect(load.stats.failedCalls).toBeGreaterThan(0);
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  // The twin: a database that answers before it has written.
  it('would be found out if it answered before writing', { timeout: LONG_MS }, async () => {
    system = await openFaultSystem({
      postgresSettings: {
        wal_writer_delay: '10s',
        wal_writer_flush_after: '1GB',
        wal_buffers: '64MB',
      },
    });
    // Not before the set-up is done: that much shall stay.
    await system.sql(`alter system set synchronous_commit = 'off'`);
    await system.sql('select pg_reload_conf()');
    await system.sql('checkpoint');
    const load = startLoad(system);
    await load.more(10);
    await system.postgres.kill();
    await system.postgres.start();
    // Lost leases are given out again, and meet numbers that are there: some calls must fail.
    await load.more().catch(() => undefined);
    await load.stop().catch(() => undefined);
    expect(faultsOf(await system.auditDatabase())).toContainEqual(
      expect.stringMatching(/^client-log/),
    );
  });
});
