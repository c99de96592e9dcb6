import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CRASHPOINTS, type Crashpoint } from '#libs/run';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { type Load, startLoad } from './load.ts';
import { isLong, scaled } from './scale.ts';

// The service ends at each step of issuing in turn, while clients go on asking.

/** What happens once for a merchant and month comes first; what happens on stop, last. */
const ON_STOP: Crashpoint[] = ['before_hand_back', 'between_hand_backs'];
const FIRST: Crashpoint = 'after_data_key_before_use';
const UNDER_LOAD = [FIRST, ...CRASHPOINTS.filter((p) => p !== FIRST && !ON_STOP.includes(p))];
const PASSES = scaled([2], [1, 2, 3, 10, 50]);

let system: FaultSystem;
let load: Load;

beforeAll(async () => {
  system = await openFaultSystem();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe('a service that ends', () => {
  it.each(UNDER_LOAD)('at %s keeps every promise', async (point) => {
    // There is one data key, and one chance to crash behind it.
    for (const passes of point === FIRST ? [1] : PASSES) {
      await system.service.kill();
      await system.service.start({ QUEQIAO_CRASH_AT: `${point}:${passes}` });
      load ??= startLoad({ ...system, lanes: 2 });
      await system.service.ended();
      expect(system.service.endSignal).toBe('SIGKILL');
      await lookAtOnce();
    }
  });

  it.each(ON_STOP)('on its way out, at %s, leaves a gap at most', async (point) => {
    await system.service.start({ QUEQIAO_CRASH_AT: point });
    await load.more(5);
    await system.service.stop();
    expect(system.service.endSignal).toBe('SIGKILL');
    await lookAtOnce();
  });

  it('has every number in database and stream when all is done', async () => {
    if (!system.service.isRunning) await system.service.start();
    await load.more();
    await load.stop();
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  // The twin: the same checks, of a system in which a step was left out by another hand.
  it('would be found out if an event were not written with its rows', async () => {
    await system.sql(
      `create function public.lose() returns trigger language plpgsql as 'begin return null; end'`,
    );
    await system.sql(
      `create trigger lose before insert on waybill.outbox_default
       for each row execute function public.lose()`,
    );
    await system.sql(
      `do $$ declare piece text; begin
         for piece in select inhrelid::regclass from pg_inherits
           where inhparent = 'waybill.outbox'::regclass and inhrelid::regclass::text !~ 'default'
         loop execute format('create trigger lose before insert on %s
           for each row execute function public.lose()', piece); end loop;
       end $$`,
    );
    const twin = startLoad({ ...system, lanes: 1, tag: 'TWIN' });
    await twin.more(2);
    await twin.stop();
    const broken = faultsOf(await system.auditDatabase());
    expect(broken).toEqual([expect.stringMatching(/^issued-announced/)]);
  });
});

/** In the short form one look at the end must do: what is broken once stays broken. */
async function lookAtOnce(): Promise<void> {
  if (!isLong) return;
  await system.service.start();
  await load.more();
  expect(faultsOf(await system.auditDatabase()).filter(isNotAhead)).toEqual([]);
  await system.service.kill();
}

/** The client is told more while the audit runs: its log may be ahead of the snapshot. */
function isNotAhead(fault: string): boolean {
  return !fault.startsWith('client-log');
}
