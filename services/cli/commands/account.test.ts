import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { accountCommand } from './account.ts';
import { type CliOptions, cli } from './cli.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function account(args: string[], options: CliOptions = {}) {
  const { address, operatorKey: apiKey } = system;
  return cli([accountCommand], ['account', ...args], { address, apiKey, ...options });
}

function create(id: string, ...more: string[]) {
  const { merchantId, courierId } = shop;
  return account(['create', id, '--merchant', merchantId, '--courier', courierId, ...more]);
}

describe('queqiao account', () => {
  it('registers, changes and lists accounts', async () => {
    const made = await create(
      ...([
        'pre-1',
        '--billing',
        'prepaid',
        '--branch',
        '571-01',
        '--branch-name',
        '余杭',
      ] as const),
      ...['--node', shop.nodeId, '--low-balance', '2', '--refund-on-cancel'],
    );
    expect(made).toMatchObject({ exit: 0, stderr: '' });
    expect(made.stdout).toContain('billing\tprepaid\n');
    expect(made.stdout).toContain(`node_ids\t${shop.nodeId}\n`);
    expect((await create('mon-1', '--billing', 'monthly', '--customer', 'K1')).exit).toBe(0);
    const updated = await account(['update', 'pre-1', '--low-balance', '1', '--json']);
    expect(updated.json()).toMatchObject([
      {
        account_id: 'pre-1',
        low_balance_count: '1',
        refund_on_cancel: true,
        branch_code: '571-01',
      },
    ]);
    const listed = await account(['list', '--merchant', shop.merchantId]);
    expect(listed.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
      ...['account_id', 'mon-1', 'pre-1', ''],
    ]);
    expect((await account(['list', '--courier', 'nobody', '--json'])).json()).toEqual([]);
    const wrong = await create('mon-2', '--billing', 'monthly', '--low-balance', '5');
    expect(wrong.exit).toBe(2);
    expect(wrong.stderr).toContain('low_balance_count must be empty here');
  });

  it('tops up once, and shows what was used', async () => {
    const requestId = randomUUID();
    const topUp = ['top-up', 'pre-1', '5', '--reason', '充值', '--request-id', requestId];
    for (let i = 0; i < 2; i++) {
      expect((await account(topUp)).stdout).toMatch(/count\t5\nbalance\t5\nactor\toperator /);
    }
    const off = await account(['top-up', 'pre-1', '--reason', '多充', '--', '-1']);
    expect(off.stdout).toContain('balance\t4\n');
    const client = system.waybill(shop.apiKey);
    const parcels = ['A', 'B', 'C'].map((ref) => parcelOf(shop, ref, { accountId: 'pre-1' }));
    await client.issueWaybills({ parcels });
    const usage = await account(['usage', 'pre-1'], { isTTY: true });
    expect(usage.stdout).toMatch(/account +merchant +courier +billing +granted +balance +drawn/);
    expect(usage.stdout).toMatch(/pre-1 +shop-\w+ +swift-\w+ +prepaid +4 +1 +3 +0 +0\.0 % +0 +20/);
    const owners = ['--merchant', shop.merchantId, '--courier', shop.courierId];
    const asMerchant = { apiKey: shop.apiKey };
    for (const args of [
      ['usage', '--low'],
      ['usage', 'pre-1', ...owners],
      ['usage', 'pre-1'],
    ]) {
      expect((await account([...args, '--json'], asMerchant)).json()).toMatchObject([
        { account_id: 'pre-1', balance_count: '1', drawn_count: '3', is_prepaid: true },
      ]);
    }
    const movements = (await account(['movements', 'pre-1', '--json'])).json();
    expect(movements.map((each) => each['count'])).toEqual(['-1', '5']);
    const newest = await account(['movements', 'pre-1', '--limit', '1']);
    expect(newest.stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('tells what is wrong in one line', async () => {
    const cases: [string[], RegExp, number, CliOptions?][] = [
      [['get', 'nobodys'], /^error: no courier account nobodys \(.*\[ACCOUNT_NOT_FOUND/, 1],
      [['top-up', 'mon-1', '5'], /^error: courier account mon-1 is billed monthly/, 1],
      [['top-up', 'pre-1', 'x'], /^error: .*whole number/, 2],
      [['top-up', 'pre-1', '--', '-1'], /^error: reason is required/, 2],
      [['top-up', 'pre-1', '--reason', 'x', '--', '-9'], /cannot be taken off .*BALANCE_SHORT/, 1],
      [['usage', '--courier', 'X'], /^error: courier_id must be 2 to 32/, 2],
      [['top-up', 'pre-1', '5'], /SCOPE_MISSING/, 2, { apiKey: shop.apiKey }],
    ];
    for (const [args, text, exit, options] of cases) {
      const run = await account(args, options);
      expect(run.stderr, args.join(' ')).toMatch(text);
      expect(run.exit, args.join(' ')).toBe(exit);
    }
    const owners = ['--merchant', shop.merchantId, '--courier', shop.courierId];
    const away = await account(['top-up', 'pre-1', '5', ...owners], { address: '127.0.0.1:1' });
    expect(away.stderr).toMatch(/^warning: it may have taken place; .* --request-id [0-9a-f-]{36}/);
    expect(away.stderr).toContain('DEPENDENCY_DOWN');
  });
});
