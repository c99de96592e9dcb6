import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { startLoad } from './load.ts';
import { LONG_MS, scaled } from './scale.ts';

// NATS killed, and its store lost: issuing goes on, and the stream is filled again from the outbox.

const run = promisify(execFile);

let system: FaultSystem;

beforeAll(async () => {
  system = await openFaultSystem();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe('a NATS that is killed', () => {
  it('stops nobody, and gets every event, also when its store is gone', {
    timeout: LONG_MS,
  }, async () => {
    const load = startLoad(system);
    for (let round = 0; round < scaled(2, 10); round++) {
      await load.more(5);
      await system.nats.kill();
      if (round % 2 === 1) await system.nats.loseStore();
      const { failedCalls } = load.stats;
      await load.more(scaled(10, 50));
      expect(load.stats.failedCalls).toBe(failedCalls);
      await system.nats.start();
    }
    await load.stop();
    const report = await system.audit();
    expect(faultsOf(report)).toEqual([]);
    expect(report.hours.reduce((sum, hour) => sum + hour.stream_count, 0)).toBeGreaterThan(20);
  });

  // The twin: a relay that believes to have published what it has not; and its repair.
  it('would be found out if it missed events, and gets them by hand', async () => {
    await system.nats.kill();
    const load = startLoad({ ...system, lanes: 1, tag: 'TWIN' });
    await load.more(3);
    await load.stop();
    await system.service.kill();
    await system.sql(
      `update waybill.outbox_position set (xid, id) = (
         select xid, id from waybill.outbox order by outbox.xid desc, outbox.id desc limit 1
       )`,
    );
    await system.nats.start();
    await system.service.start();
    expect(faultsOf(await system.audit())).toEqual([expect.stringMatching(/^outbox-in-stream/)]);
    const republish = ['dist/services/cli/main.js', 'events', 'republish', '--missing', '--json'];
    const { stdout } = await run(process.execPath, republish, {
      env: { ...process.env, ...system.env },
    });
    expect(JSON.parse(stdout)).toMatchObject({ complete: true, dropped_as_repeats: 0 });
    expect(faultsOf(await system.audit())).toEqual([]);
  });
});
