import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectBus } from '#libs/bus';
import { openPool } from '#libs/db';
import { createLogger } from '#libs/log';
import { startTestNats, type TestNats } from '#test/support/nats';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { auditPoolOptions, auditWaybills } from '../../services/modules.ts';
import type { ClientEntry } from '../../services/waybill/audit.ts';
import { faultsOf } from './harness.ts';
import { scaled } from './scale.ts';

// The wall clock of the service jumps. Numbers come from leases, which know no time, and durations
// from the monotonic clock; so nothing doubles, and nothing ends early.

const HOUR_MS = 3_600_000;
const log = createLogger({ name: 'fault', level: 'silent' });

let nats: TestNats;
let system: TestSystem;
let shop: SeededMerchant;
let offsetMs = 0;
const told: ClientEntry[] = [];

beforeAll(async () => {
  nats = await startTestNats();
  const now = () => new Date(Date.now() + offsetMs);
  system = await testSystem({ now, natsUrl: nats.url });
  shop = await seedMerchant(system);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
});

describe('a clock that jumps', () => {
  it.each([
    ['two hours back', () => -2 * HOUR_MS],
    ['one hour ahead', () => HOUR_MS],
    ['a minute before the month changes', () => untilNextMonth() - 60_000],
    ['into the next month', () => untilNextMonth() + 1_000],
    ['back into the old month', () => 0],
  ])('%s doubles no number', async (what, offset) => {
    for (let round = 0; round < scaled(1, 20); round++) {
      offsetMs = 0;
      await issue(`${what.replaceAll(' ', '-')}-${round}-A`);
      offsetMs = offset();
      await issue(`${what.replaceAll(' ', '-')}-${round}-B`);
      // Leases are handed back and taken again under the other clock.
      await system.restart();
      await issue(`${what.replaceAll(' ', '-')}-${round}-C`);
    }
    expect(new Set(told.map(({ number }) => number)).size).toBe(told.length);
    expect(faultsOf(await audit())).toEqual([]);
  });

  it('has sealed each month’s parcels by a key of that month', async () => {
    const rows = await system.database.query<{ count: string }>(
      `select count(distinct data_key_id) as count from waybill.waybill`,
    );
    expect(rows).toEqual([{ count: '2' }]);
  });

  it('would be found out if a stored time had moved with it', async () => {
    const move = `update waybill.waybill set issue_time = issue_time + $2::interval
       where waybill_number = $1`;
    await system.database.query(move, [told[0]?.number, '-1 hour']);
    expect(faultsOf(await audit())).toEqual([expect.stringMatching(/^issued-announced/)]);
    await system.database.query(move, [told[0]?.number, '1 hour']);
    expect(faultsOf(await audit())).toEqual([]);
  });
});

async function issue(tag: string): Promise<void> {
  const refs = Array.from({ length: 50 }, (_, i) => `${tag}-${i}`);
  const parcels = refs.map((ref) => parcelOf(shop, ref));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  for (const [i, { outcome }] of outcomes.entries()) {
    if (outcome.case !== 'issued') throw new Error(`not issued: ${outcome.value?.textEn}`);
    const number = outcome.value.waybillNumber;
    told.push({ line: told.length + 1, orderRef: String(refs[i]), parcelNo: 1, number });
  }
}

async function audit() {
  await using pool = openPool({ ...auditPoolOptions, url: system.database.url, log });
  await using bus = connectBus({ url: nats.url, name: 'fault', log });
  await bus.whenConnected();
  const clientLog = (async function* () {
    yield* told;
  })();
  const scan = () => bus.scan('QUEQIAO_WAYBILL');
  return await auditWaybills({ pool, network: system.network(), scan, clientLog });
}

function untilNextMonth(): number {
  const now = new Date();
  return Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1) - now.getTime();
}
