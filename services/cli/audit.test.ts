import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startTestNats, type TestNats } from '#test/support/nats';
import { type StreamTamper, tamperWith } from '#test/support/stream';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { auditCommand } from './audit.ts';
import { type CliRun, cli, testFolder } from './commands/cli.fixture.ts';
import { eventsCommand } from './commands/events.ts';

let nats: TestNats;
let system: TestSystem;
let shop: SeededMerchant;
let stream: StreamTamper;
let log: string;

beforeAll(async () => {
  nats = await startTestNats();
  system = await testSystem({ natsUrl: nats.url });
  shop = await seedMerchant(system);
  const parcels = Array.from({ length: 30 }, (_, i) => parcelOf(shop, `-CLI-${i}`));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  const numbers = outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
  log = numbers.map((number, i) => `${i + 2},'-CLI-${i},1,issued,${number}`).join('\n');
  stream = await tamperWith(nats.url, 'QUEQIAO_WAYBILL');
  await vi.waitUntil(async () => (await stream.count()) === 2, { timeout: 20_000 });
});

afterAll(async () => {
  await stream?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
});

describe('queqiao audit waybill', () => {
  it('says that all is well, for people and for programs', async () => {
    const run = await queqiao(['audit', 'waybill']);
    expect(run.exit).toBe(0);
    expect(run.stdout).toMatch(/^ok\tnumbers-unique\tI1\t30\t0\tno number/m);
    expect(run.stdout).toMatch(/All is well/);
    const json = await queqiao(['audit', 'waybill', '--json']);
    expect(json.json()).toMatchObject([{ well: true, events_waiting: 0, hours: [{}] }]);
    const chinese = await queqiao(['audit', 'waybill'], { LANG: 'zh_CN.UTF-8' });
    expect(chinese.stdout).toMatch(/单号不重复[\s\S]*全部正常/);
  });

  it('compares a result file, and JSON lines', async () => {
    await using folder = await testFolder();
    const heading = 'line,order_ref,parcel_no,status,waybill_number';
    await writeFile(folder.path('good.csv'), `\ufeff${heading}\n${log}\n`);
    const good = await queqiao([
      'audit',
      'waybill',
      '--json',
      '--client-log',
      folder.path('good.csv'),
    ]);
    expect(good.exit).toBe(0);
    expect(checkOf(good, 'client-log')).toMatchObject({ examined: 30, violations: 0 });
    const lie = { order_ref: 'A-LIE', waybill_number: 'Q0000000000000017' };
    await writeFile(folder.path('bad.jsonl'), `${JSON.stringify(lie)}\n`);
    const bad = await queqiao([
      'audit',
      'waybill',
      '--json',
      '--client-log',
      folder.path('bad.jsonl'),
    ]);
    expect(bad.exit).toBe(1);
    expect(checkOf(bad, 'client-log')).toMatchObject({ examined: 1, violations: 1 });
  });

  it('ends with 1 and names what is broken', async () => {
    await system.database.query(`update waybill.number_cursor set next_serial = next_serial - 1`);
    const run = await queqiao(['audit', 'waybill', '--no-stream']);
    await system.database.query(`update waybill.number_cursor set next_serial = next_serial + 1`);
    expect(run.exit).toBe(1);
    expect(run.stdout).toMatch(/^BROKEN\tcursor-beyond-leases/m);
    expect(run.stdout).not.toContain('outbox-in-stream');
    expect(run.stdout).toMatch(/Something is broken/);
  });

  it('ends with 2 when it cannot run', async () => {
    const nowhere = await queqiao(['audit', 'waybill'], {
      QUEQIAO_DATABASE_URL: 'postgres://127.0.0.1:1/x',
    });
    expect(nowhere.exit).toBe(2);
    const noLog = await queqiao(['audit', 'waybill', '--client-log', '/nowhere.csv']);
    expect(noLog.exit).toBe(2);
    const foreign = await queqiao(['audit', 'waybill'], {}, 'qq_unknown');
    expect([foreign.exit, foreign.stderr]).toEqual([2, expect.stringMatching(/API_KEY_INVALID/)]);
  });
});

describe('queqiao events republish', () => {
  it('counts, publishes again, and tells what the stream dropped as repeats', async () => {
    const dry = await queqiao(['events', 'republish', '--last', '3', '--dry-run', '--json']);
    expect(dry.json()).toEqual([
      { service: 'waybill', dry_run: true, events: 2, dropped_as_repeats: 0, complete: true },
    ]);
    const run = await queqiao(['events', 'republish', '--from', '1h', '--json']);
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([{ events: 2, dropped_as_repeats: 2, complete: true }]);
    const network = await queqiao(['events', 'republish', '--service', 'network', '--last', '1']);
    expect(network.stdout).toMatch(/^[1-9]\d* events published/);
  });

  it('goes on after a mark', async () => {
    const [event] = await system.database.query<{ mark: string }>(
      `select create_time::text || '/' || id as mark from waybill.outbox
       order by create_time, id limit 1`,
    );
    const args = ['events', 'republish', '--last', '1', '--after', String(event?.mark)];
    expect((await queqiao([...args, '--json'])).json()).toMatchObject([{ events: 1 }]);
  });

  it('publishes exactly what the stream lacks', async () => {
    expect((await missing('--dry-run')).json()).toMatchObject([{ events: 0 }]);
    // The relay fills a stream that was made anew, so the loss must be one that it cannot see.
    await stream.deleteMessage(1);
    expect((await missing('--dry-run')).json()).toMatchObject([{ events: 1 }]);
    const run = await missing();
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([{ events: 1, dropped_as_repeats: 1 }]);
  });

  it('says what is missing in a command that names nothing', async () => {
    expect((await queqiao(['events', 'republish'])).stderr).toMatch(/--from.*--last.*--missing/);
    const both = await queqiao(['events', 'republish', '--last', '1', '--from', '1h']);
    expect([both.exit, both.stderr]).toEqual([2, expect.stringMatching(/--last, or --from/)]);
    const other = await queqiao(['events', 'republish', '--missing', '--service', 'network']);
    expect(other.exit).toBe(2);
    expect((await queqiao(['events', 'republish', '--after', 'x'])).exit).toBe(2);
  });
});

function missing(...args: string[]): Promise<CliRun> {
  return queqiao(['events', 'republish', '--missing', '--json', ...args]);
}

function checkOf(run: CliRun, name: string): unknown {
  const [report] = run.json() as [{ checks: { check: string }[] }];
  return report.checks.find(({ check }) => check === name);
}

function queqiao(
  args: string[],
  env: Record<string, string> = {},
  apiKey = system.operatorKey,
): Promise<CliRun> {
  return cli([auditCommand, eventsCommand], args, {
    address: system.address,
    apiKey,
    env: { QUEQIAO_DATABASE_URL: system.database.url, NATS_URL: nats.url, ...env },
  });
}
