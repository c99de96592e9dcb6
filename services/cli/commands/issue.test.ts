import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDemoOrders } from '../demo.ts';
import { parseResult, testFolder } from './cli.fixture.ts';
import { HEADER, type Issuing, row, startIssuing } from './issue.fixture.ts';

let issuing: Issuing;

beforeAll(async () => {
  issuing = await startIssuing();
});

afterAll(async () => {
  await issuing?.[Symbol.asyncDispose]();
});

describe('queqiao issue', () => {
  it('issues a file, and the second time answers the same numbers', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    const orders = await writeDemoOrders(file, 730);
    const first = await issuing.issue([file]);
    expect(first).toMatchObject({ exit: 0, stderr: '' });
    expect(first.stdout).toMatch(
      /730 {2}issued now\n +0 {2}already issued\n +0 {2}failed\n730 rows/,
    );
    const before = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(before.map((result) => Number(result['line']))).toEqual(orders.map((_, i) => i + 2));
    expect(before.map((result) => `${result['order_ref']} ${result['parcel_no']}`)).toEqual(
      orders.map(({ orderRef, parcelNo }) => `${orderRef} ${parcelNo}`),
    );
    expect(new Set(before.map((result) => result['waybill_number'])).size).toBe(730);

    const second = await issuing.issue([file, '--json']);
    const [summary, ...more] = second.json();
    expect(more).toEqual([]);
    expect(summary).toMatchObject({
      ...{ rows: 730, issued: 0, already_issued: 730, failed: 0, unknown: 0, complete: true },
      result_file: `${file}.result.csv`,
    });
    const after = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(after.every((result) => result['status'] === 'already_issued')).toBe(true);
    expect(after.map((result) => result['waybill_number'])).toEqual(
      before.map((result) => result['waybill_number']),
    );
    expect(await issuing.countIssued('QH260618')).toBe(730);
    expect(existsSync(`${file}.result.csv.part`)).toBe(false);
  });

  it('issues shipments of several parcels and amounts, wherever a call ends', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    // 100 rows a call and 7 parcels a shipment: some call would end within one.
    const rows = Array.from({ length: 40 }, (_, i) =>
      [1, 2, 3, 4, 5, 6, 7].map((no) => `${row(`SHIP-${i}`, { no: String(no) })},7,99.5`),
    ).flat();
    await writeFile(file, [`${HEADER},包裹总数,代收货款(元)`, ...rows, ''].join('\n'));
    expect(await issuing.issue([file])).toMatchObject({ exit: 0, stderr: '' });
    const { waybills } = await issuing.system.waybill(issuing.apiKey).listWaybills({ pageSize: 1 });
    const [waybill] = waybills;
    expect(waybill?.addedServices[0]?.attributes['amount_fen']?.value.value).toBe(9_950n);
    const waybillNumber = waybill?.waybillNumber ?? '';
    const { shipment } = await issuing.system.waybill(issuing.apiKey).getShipment({
      waybillNumber,
    });
    expect(shipment).toMatchObject({ parcelCount: 7, missingCount: 0 });
  });

  it('reports bad rows with line, reason and field, and issues the rest', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    const rows = [
      row('BAD-1'),
      row('BAD-2', { kg: '1.2345' }),
      row('BAD-3', { phone: '12' }),
      row('BAD-4', { courier: 'nobody' }),
      'BAD-5,"',
      row('BAD-6', { detail: '1#楼' }),
      row('=1+1'),
      row('BAD-1', { name: '另一人' }),
    ];
    await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
    const run = await issuing.issue([file, '--result', folder.path('out.csv')]);
    expect(run.exit).toBe(1);
    const text = await readFile(folder.path('out.csv'), 'utf8');
    const results = parseResult(text);
    const told = results.map(({ line, status, reason, field }) => [line, status, reason, field]);
    expect(told).toEqual([
      ['2', 'issued', '', ''],
      ['3', 'failed', 'FIELD_INVALID', 'weight_g'],
      ['4', 'failed', 'FIELD_INVALID', 'consignee.phone'],
      ['5', 'failed', 'COURIER_NOT_FOUND', 'courier_id'],
      ['6', 'failed', 'FIELD_INVALID', 'row'],
      ['7', 'failed', 'CHARACTER_ILLEGAL', 'consignee.address.detail'],
      ['8', 'failed', 'FIELD_INVALID', 'order_ref'],
      ['9', 'failed', 'PARCEL_KEY_REUSED', 'consignee.name'],
    ]);
    expect(results[1]).toMatchObject({ code: 'INVALID_ARGUMENT', order_ref: 'BAD-2' });
    expect(results[1]?.['text_zh']).toBe('weight_kg 小数点后不能超过 3 位');
    expect(text).toContain("'=1+1");
    expect(run.stdout).toContain('[FIELD_INVALID field=consignee.phone]');
  });

  it('reads standard input', async () => {
    await using folder = await testFolder();
    const stdin = [Buffer.from(`${HEADER}\n${row('STDIN-1')}\n`)];
    const run = await issuing.issue(['-', '--json', '--result', folder.path('r.csv')], { stdin });
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([{ rows: 1, issued: 1 }]);
  });

  it('takes a cancelled waybill for no waybill', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('GONE-1')}\n`);
    await issuing.issue([file]);
    const [result] = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    const waybillNumber = result?.['waybill_number'] ?? '';
    await issuing.system.waybill(issuing.apiKey).cancelWaybill({ waybillNumber, reason: 'test' });
    expect((await issuing.issue([file])).exit).toBe(1);
    const [again] = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(again).toMatchObject({ waybill_number: waybillNumber, reason: 'STATE_NOT_ALLOWED' });
  });

  it('could not run: bad file, bad key, server away', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('NEVER-1')}\n`);
    const headless = folder.path('headless.csv');
    await writeFile(headless, 'a,b\n1,2\n');

    const noFile = await issuing.issue([folder.path('none.csv')]);
    expect(noFile).toMatchObject({ exit: 2, stdout: '' });
    expect(noFile.stderr).toMatch(
      /^error: file cannot be read: ENOENT.*\[FIELD_INVALID field=file\]/,
    );
    const bad = await issuing.issue([headless, '--json']);
    expect(bad).toMatchObject({ exit: 2 });
    expect(bad.json()).toMatchObject([{ error: { reason: 'FIELD_INVALID', field: 'header' } }]);
    const wrongKey = await issuing.issue([file, '--json', '--api-key', 'qq_wrong']);
    expect(wrongKey.exit).toBe(2);
    expect(wrongKey.json()).toMatchObject([
      {
        complete: false,
        unknown: 1,
        error: { code: 'UNAUTHENTICATED', reason: 'API_KEY_INVALID' },
      },
    ]);
    const away = await issuing.issue([file], { address: '127.0.0.1:1' });
    expect(away.exit).toBe(2);
    expect(away.stderr).toContain('[DEPENDENCY_DOWN]');
    expect(existsSync(`${file}.result.csv`)).toBe(false);
    expect(await issuing.countIssued('NEVER')).toBe(0);
  });

  it('puts Chinese first for Chinese users', async () => {
    const run = await issuing.issue(['none.csv'], { env: { LANG: 'zh_CN.UTF-8' } });
    expect(run.stderr).toMatch(/^error: file 无法读取:ENOENT.* \(file cannot be read/);
  });

  it('checks a file without any server', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('DRY-1')}\n${row('DRY-2', { phone: '1' })}\n`);
    const run = await issuing.issue([file, '--dry-run', '--json'], { address: '127.0.0.1:1' });
    expect(run.exit).toBe(1);
    expect(run.json()).toMatchObject([
      { dry_run: true, good: 1, failed: 1, failed_by_reason: [{ lines: [3] }] },
    ]);
    expect(existsSync(`${file}.result.csv`)).toBe(false);
  });

  it('draws a bar in a terminal and stays quiet elsewhere', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('BAR-1')}\n`);
    expect((await issuing.issue([file])).stderr).toBe('');
    expect((await issuing.issue([file], { isTTY: true })).stderr).toContain('100%');
  });
});
