import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError, toItemError } from '#libs/errors';
import { implement, type RunningServer, startServer } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import {
  type IssueWaybillsRequest,
  type IssueWaybillsResponse,
  WaybillService,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { type TestSystem, testSystem } from '#test/support/system';
import { DEMO_MERCHANT_ID, loadDemo, writeDemoOrders } from '../demo.ts';
import { checkParcel } from '../orders.ts';
import { type CliOptions, cli, parseResult, testFolder, untilAborted } from './cli.fixture.ts';
import { issueCommand } from './issue.ts';

const FAST = { attempts: 6, firstAttempts: 3, firstMs: 1, maxMs: 4 };
const HEADER = 'order_ref,parcel_no,name,phone,province,city,detail,weight_kg,courier_id,node_id';
const row = (ref: string, change: Record<string, string> = {}) => {
  const cells = {
    ...{ ref, no: '', name: '李雷', phone: '13800001234', province: '浙江省', city: '杭州市' },
    ...{ detail: '文三路1号', kg: '1.2', courier: 'lingque', node: 'hangzhou-cang' },
    ...change,
  };
  return Object.values(cells).join(',');
};

let system: TestSystem;
let apiKey: string;

beforeAll(async () => {
  system = await testSystem();
  await loadDemo({ network: system.network() });
  const scopes = ['waybill.issue', 'waybill.read', 'waybill.cancel'];
  const subject = { kind: Subject_Kind.MERCHANT, id: DEMO_MERCHANT_ID };
  const made = await system
    .network()
    .createApiKey({ apiKey: { apiKeyId: 'issue-test', subject, scopes } });
  apiKey = made.secret;
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function issue(args: string[], options: CliOptions = {}) {
  const commands = [(context: Parameters<typeof issueCommand>[0]) => issueCommand(context, FAST)];
  return cli(commands, ['issue', ...args], { address: system.address, apiKey, ...options });
}

async function countIssued(prefix: string): Promise<number> {
  const [counted] = await system.database.query<{ count: string }>(
    'select count(*) from waybill.waybill where order_ref like $1',
    [`${prefix}%`],
  );
  return Number(counted?.count);
}

/**
 * The real service behind a server that can lose answers, refuse for a while or be slow: what lies
 * between is decided by `serve`.
 */
async function behind(
  serve: (request: IssueWaybillsRequest, real: RealCall) => Promise<IssueWaybillsResponse>,
): Promise<RunningServer> {
  const real = system.waybill(apiKey);
  const { issueWaybills, ...others } = real;
  return startServer({
    listen: '127.0.0.1:0',
    services: [
      implement(WaybillService, {
        ...others,
        issueWaybills: (request) => serve(request, (asked) => issueWaybills(asked)),
      }),
    ],
    authenticate: async () => ({
      ...{ kind: 'merchant', id: DEMO_MERCHANT_ID, keyId: 'test' },
      scopes: new Set(['waybill.issue']),
    }),
    log: createLogger({ name: 'test', level: 'silent' }),
  });
}

/** `queqiao issue` in a process of its own, from the sources. */
const CHILD = `
  import { runnerImport } from 'vite';
  const conditions = ['source', 'node'];
  const { module } = await runnerImport('./services/cli/commands/issue.ts', {
    configFile: false,
    logLevel: 'error',
    environments: { inline: { resolve: { conditions } } },
    oxc: { target: 'es2022' },
  });
  const { stdin, stdout, stderr, env } = process;
  const connection = () => ({ address: env.QQ_ADDRESS, apiKey: 'none', natsUrl: undefined });
  const context = { stdin, stdout, stderr, env, connection, now: () => new Date() };
  await module.issueCommand(context).parseAsync([env.QQ_FILE], { from: 'user' });
`;

type RealCall = (request: IssueWaybillsRequest) => Promise<IssueWaybillsResponse>;

describe('queqiao issue', () => {
  it('issues a file, and the second time answers the same numbers', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    const orders = await writeDemoOrders(file, 730);
    const first = await issue([file]);
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

    const second = await issue([file, '--json']);
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
    expect(await countIssued('QH260618')).toBe(730);
    expect(existsSync(`${file}.result.csv.part`)).toBe(false);
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
    const run = await issue([file, '--result', folder.path('out.csv')]);
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
    expect(results[1]?.['text_zh']).toBe('weight_kg小数点后不能超过 3 位');
    expect(text).toContain("'=1+1");
    expect(run.stdout).toContain('[FIELD_INVALID field=consignee.phone]');
  });

  it('reads standard input', async () => {
    await using folder = await testFolder();
    const stdin = [Buffer.from(`${HEADER}\n${row('STDIN-1')}\n`)];
    const run = await issue(['-', '--json', '--result', folder.path('r.csv')], { stdin });
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([{ rows: 1, issued: 1 }]);
  });

  it('takes a cancelled waybill for no waybill', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('GONE-1')}\n`);
    await issue([file]);
    const [result] = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    const waybillNumber = result?.['waybill_number'] ?? '';
    await system.waybill(apiKey).cancelWaybill({ waybillNumber, reason: 'test' });
    expect((await issue([file])).exit).toBe(1);
    const [again] = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(again).toMatchObject({ waybill_number: waybillNumber, reason: 'STATE_NOT_ALLOWED' });
  });

  it('could not run: bad file, bad key, server away', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('NEVER-1')}\n`);
    const headless = folder.path('headless.csv');
    await writeFile(headless, 'a,b\n1,2\n');

    const noFile = await issue([folder.path('none.csv')]);
    expect(noFile).toMatchObject({ exit: 2, stdout: '' });
    expect(noFile.stderr).toMatch(
      /^error: file cannot be read: ENOENT.*\[FIELD_INVALID field=file\]/,
    );
    const bad = await issue([headless, '--json']);
    expect(bad).toMatchObject({ exit: 2 });
    expect(bad.json()).toMatchObject([{ error: { reason: 'FIELD_INVALID', field: 'header' } }]);
    const wrongKey = await issue([file, '--json', '--api-key', 'qq_wrong']);
    expect(wrongKey.exit).toBe(2);
    expect(wrongKey.json()).toMatchObject([
      {
        complete: false,
        unknown: 1,
        error: { code: 'UNAUTHENTICATED', reason: 'API_KEY_INVALID' },
      },
    ]);
    const away = await issue([file], { address: '127.0.0.1:1' });
    expect(away.exit).toBe(2);
    expect(away.stderr).toContain('[DEPENDENCY_DOWN]');
    expect(existsSync(`${file}.result.csv`)).toBe(false);
    expect(await countIssued('NEVER')).toBe(0);
  });

  it('puts Chinese first for Chinese users', async () => {
    const run = await issue(['none.csv'], { env: { LANG: 'zh_CN.UTF-8' } });
    expect(run.stderr).toMatch(/^error: file无法读取:ENOENT.* \(file cannot be read/);
  });

  it('issues each parcel once although answers get lost and items ask to come again', async () => {
    let callCount = 0;
    const server = await behind(async (request, real) => {
      callCount += 1;
      const answer = await real(request);
      // The numbers are drawn, and the caller is not told.
      if (callCount % 3 === 2) throw new RpcError('OVERLOADED', { retryAfterMs: 2 });
      if (callCount % 3 === 0) {
        for (const each of answer.outcomes.slice(0, 40)) {
          const value = toItemError(new RpcError('DEPENDENCY_DOWN'));
          each.outcome = { case: 'error', value };
        }
      }
      return answer;
    });
    try {
      await using folder = await testFolder();
      const file = folder.path('orders.csv');
      const rows = Array.from({ length: 950 }, (_, i) => row(`LOST-${i}`));
      await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
      const run = await issue([file, '--json'], { address: server.address });
      expect(run.exit).toBe(0);
      expect(run.json()).toMatchObject([{ rows: 950, failed: 0 }]);
      const results = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
      expect(results.map(({ order_ref }) => order_ref)).toEqual(rows.map((_, i) => `LOST-${i}`));
      expect(await countIssued('LOST')).toBe(950);
      expect(callCount).toBeGreaterThan(10);
    } finally {
      await server.stop({ graceMs: 1_000 });
    }
  });

  it('stops at Ctrl-C with what is known, and goes on when run again', async () => {
    let interrupt = () => {};
    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve;
    });
    let callCount = 0;
    const server = await behind(async (request, real) => {
      callCount += 1;
      if (callCount === 3) interrupt();
      return real(request);
    });
    try {
      await using folder = await testFolder();
      const file = folder.path('orders.csv');
      const rows = Array.from({ length: 3_000 }, (_, i) => row(`STOP-${i}`));
      await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
      const untilInterrupt = (end: AbortSignal) => Promise.race([interrupted, untilAborted(end)]);
      const run = await issue([file, '--json'], { address: server.address, untilInterrupt });
      expect(run.exit).toBe(130);
      const [summary] = run.json();
      expect(summary).toMatchObject({ complete: false, result_file: `${file}.result.csv.part` });
      const known = parseResult(await readFile(`${file}.result.csv.part`, 'utf8'));
      expect(known.length).toBe(await countIssued('STOP'));
      expect(known.length).toBeLessThan(3_000);
      expect(existsSync(`${file}.result.csv`)).toBe(false);

      const again = await issue([file, '--json']);
      expect(again.json()).toMatchObject([
        { issued: 3_000 - known.length, already_issued: known.length, complete: true },
      ]);
      expect(await countIssued('STOP')).toBe(3_000);
      const whole = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
      expect(whole.map(({ line }) => Number(line))).toEqual(rows.map((_, i) => i + 2));
    } finally {
      await server.stop({ graceMs: 1_000 });
    }
  });

  it('may be killed at any moment: run again, it completes the file and doubles nothing', async () => {
    let callCount = 0;
    let child: ChildProcess | undefined;
    const server = await behind(async (request, real) => {
      callCount += 1;
      if (callCount === 5 && child !== undefined) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      return real(request);
    });
    try {
      await using folder = await testFolder();
      const file = folder.path('orders.csv');
      const rows = Array.from({ length: 1_500 }, (_, i) => row(`KILL-${i}`));
      await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
      child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
        env: { ...process.env, QQ_ADDRESS: server.address, QQ_FILE: file },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
      expect(existsSync(`${file}.result.csv`)).toBe(false);

      const again = await issue([file, '--json']);
      expect(again.exit).toBe(0);
      const [summary] = again.json();
      expect(Number(summary?.['already_issued'])).toBeGreaterThan(0);
      expect(Number(summary?.['issued'])).toBeGreaterThan(0);
      const whole = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
      expect(whole.map(({ line }) => Number(line))).toEqual(rows.map((_, i) => i + 2));
      expect(new Set(whole.map((result) => result['waybill_number'])).size).toBe(1_500);
      expect(await countIssued('KILL')).toBe(1_500);
    } finally {
      child?.kill('SIGKILL');
      await server.stop({ graceMs: 1_000 });
    }
  });

  it('checks a file without any server', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    await writeFile(file, `${HEADER}\n${row('DRY-1')}\n${row('DRY-2', { phone: '1' })}\n`);
    const run = await issue([file, '--dry-run', '--json'], { address: '127.0.0.1:1' });
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
    expect((await issue([file])).stderr).toBe('');
    expect((await issue([file], { isTTY: true })).stderr).toContain('100%');
  });

  it('says in --dry-run what the server would say', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 45 }),
      fc.string({ unit: 'binary', maxLength: 45 }),
      fc.constantFrom('文三路', 'a#b', ' ', '+86138-0000', 'x'.repeat(301), '5'.repeat(21)),
    );
    const field = fc.constantFrom(
      'name',
      'phone',
      'province',
      'city',
      'street',
      'detail',
      'remark',
    );
    const changes = fc.array(fc.record({ field, value: text }), { minLength: 50, maxLength: 100 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(changes, async (given) => {
        round += 1;
        const parcels = given.map((change, i) => changedParcel(`PARITY-${round}-${i}`, change));
        const { outcomes } = await system.waybill(apiKey).issueWaybills({ parcels });
        const there = outcomes.map(({ outcome: { case: kind, value } }) =>
          kind === 'error' ? value.field : '',
        );
        expect(parcels.map((parcel) => checkParcel(parcel)[0]?.field ?? '')).toEqual(there);
      }),
      { numRuns: 5 },
    );
  });
});

function changedParcel(orderRef: string, { field, value }: { field: string; value: string }) {
  // What is no UTF-8 cannot be sent at all, so it is no question to the server.
  const clean = Buffer.from(value).toString();
  const usual = (name: string, text: string) => (field === name ? clean : text);
  return create(ParcelSchema, {
    orderRef,
    courierId: 'lingque',
    nodeId: 'hangzhou-cang',
    remark: usual('remark', ''),
    consignee: {
      name: usual('name', '李雷'),
      phone: usual('phone', '13800001234'),
      address: {
        province: usual('province', '浙江省'),
        city: usual('city', '杭州市'),
        street: usual('street', ''),
        detail: usual('detail', '文三路1号'),
      },
    },
  });
}
