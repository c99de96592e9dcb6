import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { type CliOptions, cli } from './cli.fixture.ts';
import { eventsCommand } from './events.ts';

let system: TestSystem;
let merchant: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  merchant = await seedMerchant(system);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function events(args: string[], options: CliOptions = {}) {
  return cli([eventsCommand], ['events', ...args], options);
}

async function issue(ref: string): Promise<string> {
  const { issued } = await system
    .waybill(merchant.apiKey)
    .issueWaybill({ parcel: parcelOf(merchant, ref) });
  return issued?.waybillNumber ?? '';
}

describe('queqiao events', () => {
  it('shows what was announced, decoded', async () => {
    const number = await issue('E-1');
    const filter = `waybill.${merchant.courierId}.issued`;
    const run = await events([filter, '--from-start', '--count', '1', '--json']);
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([
      {
        subject: `queqiao.v1.waybill.${merchant.courierId}.issued`,
        type: 'queqiao.waybill.v1.WaybillsIssued',
        payload: { parcels: [{ waybill_number: number, order_ref: 'E-1' }] },
      },
    ]);
    const line = await events([filter, '--since', '1h', '--count', '1']);
    expect(line.stdout).toMatch(
      new RegExp(`^\\S+Z  waybill\\.${merchant.courierId}\\.issued  ${number} for E-1\n$`),
    );
  });

  it('follows all streams and every kind of event', async () => {
    const number = await issue('E-2');
    await system.waybill(merchant.apiKey).cancelWaybill({ waybillNumber: number, reason: 'x' });
    const run = await events(['waybill.>', '--since', '1h', '--count', '3']);
    expect(run.exit).toBe(0);
    const network = await events(['network.merchant.changed', '--since', '1h', '--count', '1']);
    expect(network.stdout).toMatch(/network\.merchant\.changed {2}merchant \S+ version 1\n/);
    const cancelled = `queqiao.v1.waybill.${merchant.courierId}.cancelled`;
    const only = await events([cancelled, '--from-start', '--count', '1']);
    expect(only.stdout).toContain(`${number} of E-2`);
  });

  it('ends at Ctrl-C', async () => {
    const run = await events(['--json'], { untilInterrupt: async () => undefined });
    expect(run).toMatchObject({ exit: 0, stdout: '' });
  });

  it('refuses a filter that no stream holds', async () => {
    for (const filter of ['weather.>', 'waybill.>.x', 'waybill.a*', 'waybill..x']) {
      expect(await events([filter]), filter).toMatchObject({ exit: 2, stdout: '' });
    }
  });
});
