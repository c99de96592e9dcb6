import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { addressCommand } from './address.ts';
import { type CliOptions, cli, testFolder } from './cli.fixture.ts';
import { readDeliveries } from './delivery-rows.ts';

let system: TestSystem;
let shop: SeededMerchant;
let apiKey: string;
let folder: Awaited<ReturnType<typeof testFolder>>;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
  folder = await testFolder();
  const subject = { kind: Subject_Kind.COURIER, id: shop.courierId };
  const key = { apiKeyId: 'learn', subject, scopes: ['address.learn'] };
  apiKey = (await system.network().createApiKey({ apiKey: key })).secret;
});
afterAll(async () => {
  await folder[Symbol.asyncDispose]();
  await system[Symbol.asyncDispose]();
});

async function learn(text: string, args: string[] = [], options: CliOptions = {}) {
  const file = folder.path('deliveries.csv');
  await writeFile(file, text);
  const { address } = system;
  const all = { address, apiKey, ...options };
  return await cli([addressCommand], ['address', 'learn', file, ...args], all);
}

let orderCount = 0;
async function issue(count: number): Promise<string[]> {
  const parcels = Array.from({ length: count }, () => parcelOf(shop, `L-${++orderCount}`));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
}

const HEADER = 'waybill_number,latitude,longitude,delivery_time';
const soon = () => new Date(Date.now() + 60_000).toISOString();
const line = (number: string) => `${number},30.2801,120.0202,${soon()}`;

async function point() {
  const texts = ['浙江省杭州市余杭区仓前街道文一西路969号'];
  const { outcomes } = await system.addresses().parseAddresses({ texts });
  const outcome = outcomes[0]?.outcome;
  return outcome?.case === 'address' ? outcome.value : undefined;
}

describe('queqiao address learn', () => {
  it('teaches the points of a file, and says which lines failed and why', async () => {
    const [a = '', b = '', c = ''] = await issue(3);
    const lines = [
      ...[HEADER, line(a), 'ZZ99999,30.28,120.02,2026-06-18 14:05', '', line(b)],
      ...[`${c},三十,120,${soon()}`, `${c},30.28,120.02,18.6.2026`, `${c},30.28`],
      ...[`${c},35.68,139.77,${soon()}`],
    ];
    const { exit, stdout, stderr } = await learn(`${lines.join('\n')}\n`);
    expect(exit).toBe(1);
    expect(stdout).toBe('learnt: 2, failed: 5\n');
    const told = stderr.trimEnd().split('\n');
    expect(told).toHaveLength(5);
    expect(told[0]).toMatch(/^line 3 ZZ99999: no waybill ZZ99999 .*\[WAYBILL_NOT_FOUND/);
    expect(told[1]).toMatch(/^line 6 Q\d+: latitude must be digits/);
    expect(told[2]).toMatch(/^line 7 Q\d+: delivery_time must be a time such as/);
    expect(told[3]).toMatch(/^line 8 Q\d+: longitude is required/);
    expect(told[4]).toMatch(/^line 9 Q\d+: .*150 km.*\[FIELD_INVALID field=location\]/);
    // What was good is learnt, and the same file again changes nothing.
    const again = await learn([HEADER, line(a), line(b), line(c)].join('\n'));
    expect(again).toMatchObject({ exit: 0, stdout: 'learnt: 3, failed: 0\n', stderr: '' });
    expect((await point())?.locationFixCount).toBe(3);
  });

  it('answers programs line by line, in file order', async () => {
    const [a = '', b = ''] = await issue(2);
    const text = [HEADER, line(a), line('x'), line(b)].join('\n');
    const { exit, json } = await learn(text, ['--json']);
    expect(exit).toBe(1);
    expect(json()).toMatchObject([
      { line: 2, waybill_number: a, accepted: true },
      { line: 3, waybill_number: 'x', error: { reason: 'FIELD_INVALID', field: 'waybill_number' } },
      { line: 4, waybill_number: b, accepted: true },
    ]);
  });

  it('reads Chinese headings, other columns and the datum', async () => {
    const numbers = await issue(25);
    const rows = numbers.map((number) => `王五,120.0202,30.2801,${number},${soon()}`);
    const text = ['快递员,经度,纬度,运单号,签收时间', ...rows].join('\n');
    const { exit, stdout } = await learn(text, ['--datum', 'gcj02'], {
      env: { LANG: 'zh_CN.UTF-8' },
    });
    expect([exit, stdout]).toEqual([0, '已学习: 25, 失败: 0\n']);
    const longitude = (await point())?.location?.longitudeDeg ?? 0;
    // Shifted back by some hundred metres to the west.
    expect(longitude).toBeLessThan(120.0185);
    expect(longitude).toBeGreaterThan(120.01);
  });

  it('sends long files in parts of 1,000', async () => {
    const numbers = await issue(1_000);
    const more = await issue(5);
    const { exit, stdout } = await learn([HEADER, ...[...numbers, ...more].map(line)].join('\n'));
    expect([exit, stdout]).toEqual([0, 'learnt: 1005, failed: 0\n']);
  });

  it('says what a file lacks', async () => {
    const lacking = await learn('运单号,纬度\nQ1,30\n');
    expect(lacking.exit).toBe(2);
    expect(lacking.stderr).toMatch(/header lacks longitude \(经度, .*delivery_time \(签收时间/);
    expect((await learn('')).stderr).toContain('file is empty');
    expect((await learn(`${HEADER},lat\n`)).stderr).toContain('is given twice: latitude and lat');
    const missing = await cli([addressCommand], ['address', 'learn', folder.path('none.csv')]);
    expect(missing.stderr).toContain('cannot be read');
    expect((await learn(HEADER, ['--datum', 'mars'])).exit).toBe(2);
  });
});

describe('the time of a delivery', () => {
  const timeOf = async (cell: string) => {
    const text = `${HEADER}\nQ1,30,120,"${cell}"\n`;
    const source = (async function* () {
      yield Buffer.from(text);
    })();
    for await (const row of readDeliveries(source, {})) {
      return 'delivery' in row ? row.delivery.time : row.error.metadata['problem'];
    }
    return undefined;
  };

  it.each([
    ['2026-06-18T06:05:00Z', new Date('2026-06-18T06:05:00Z')],
    ['2026-06-18 14:05:30+08:00', new Date('2026-06-18T06:05:30Z')],
    ['2026-06-18 14:05', new Date(2026, 5, 18, 14, 5)],
    ['2026/6/8 9:05', new Date(2026, 5, 8, 9, 5)],
    ['2026/06/18 09:05:07', new Date(2026, 5, 18, 9, 5, 7)],
    ['2026-06-18', new Date(2026, 5, 18)],
  ])('%s is read', async (cell, time) => {
    expect(await timeOf(cell)).toEqual(time);
  });

  it.each(['18.6.2026', '2026-02-30 10:00', '2026-13-01', '2026-06-18 25:00', 'gestern', '3h'])(
    '%s is none',
    async (cell) => {
      expect(await timeOf(cell)).toBe('NOT_A_TIME');
    },
  );

  it('is needed', async () => {
    expect(await timeOf(' ')).toBe('REQUIRED');
  });
});
