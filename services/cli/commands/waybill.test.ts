import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { type CliOptions, cli } from './cli.fixture.ts';
import { waybillCommand } from './waybill.ts';

let system: TestSystem;
let merchant: SeededMerchant;
let numbers: string[];

beforeAll(async () => {
  system = await testSystem();
  merchant = await seedMerchant(system);
  const refs = ['A', 'A', 'B', ...Array.from({ length: 12 }, () => 'MANY')];
  const parcels = refs.map((ref, i) => {
    const parcelNo = refs.slice(0, i + 1).filter((each) => each === ref).length;
    return parcelOf(merchant, ref, { parcelNo });
  });
  const { outcomes } = await system.waybill(merchant.apiKey).issueWaybills({ parcels });
  numbers = outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function waybill(args: string[], options: CliOptions = {}) {
  const { address } = system;
  const { apiKey } = merchant;
  return cli([waybillCommand], ['waybill', ...args], { address, apiKey, ...options });
}

describe('queqiao waybill', () => {
  it('shows one waybill, masked, for people and as JSON', async () => {
    const [number = ''] = numbers;
    const shown = await waybill(['get', number], { isTTY: true });
    expect(shown.exit).toBe(0);
    expect(shown.stdout).toContain(`waybill_number  ${number}\n`);
    expect(shown.stdout).toMatch(/state {11}issued\n/);
    expect(shown.stdout).not.toContain('13812345678');
    const [json] = (await waybill(['get', number, '--json'])).json();
    expect(json).toMatchObject({
      ...{ waybill_number: number, order_ref: 'A', parcel_no: 1, state: 'STATE_ISSUED' },
      consignee: { province: '浙江省' },
    });
  });

  it('shows several, and an error for each that is not there', async () => {
    const args = ['get', numbers[0] ?? '', 'Q00000000000', numbers[2] ?? ''];
    const shown = await waybill(args);
    expect(shown.exit).toBe(1);
    expect(shown.stdout.split('\n')[0]).toMatch(/^number\tstate\torder\t/);
    expect(shown.stderr).toMatch(/^error: no waybill Q00000000000 .*\[WAYBILL_NOT_FOUND/);
    const lines = (await waybill([...args, '--json'])).json();
    expect(lines.map((line) => line['order_ref'] ?? 'error')).toEqual(['A', 'error', 'B']);
    expect(await waybill(['get', 'Q00000000000', '--json'])).toMatchObject({ exit: 1, stderr: '' });
  });

  it('finds all parcels of an order, or one', async () => {
    const all = (await waybill(['find', 'A', '--json'])).json();
    expect(all.map((each) => each['waybill_number'])).toEqual(numbers.slice(0, 2));
    expect((await waybill(['find', 'MANY', '--json'])).json()).toHaveLength(12);
    const second = (await waybill(['find', 'a', '--parcel', '2', '--json'])).json();
    expect(second.map((each) => each['waybill_number'])).toEqual([numbers[1]]);
    expect((await waybill(['find', 'NONE'])).exit).toBe(1);
  });

  it('lists by filters and up to a limit', async () => {
    const list = async (...args: string[]) => (await waybill(['list', '--json', ...args])).json();
    expect(await list()).toHaveLength(15);
    expect(await list('--limit', '4')).toHaveLength(4);
    expect(await list('--state', 'cancelled')).toHaveLength(0);
    expect(await list('--courier', merchant.courierId, '--node', merchant.nodeId)).toHaveLength(15);
    expect(await list('--from', '1h')).toHaveLength(15);
    expect(await list('--to', '2020-01-01')).toHaveLength(0);
    const table = await waybill(['list', '--limit', '2']);
    expect(table.stdout.trimEnd().split('\n')).toHaveLength(3);
  });

  it('cancels with a reason, and says which it could not', async () => {
    const [, , , first = '', second = ''] = numbers;
    const run = await waybill(['cancel', first, 'Q00000000000', second, '--reason', '买家退单']);
    expect(run.exit).toBe(1);
    expect(run.stderr).toContain('WAYBILL_NOT_FOUND');
    const cancelled = (await waybill(['list', '--json', '--state', 'cancelled'])).json();
    expect(cancelled.map((each) => each['waybill_number']).sort()).toEqual([first, second].sort());
    expect(cancelled[0]).toMatchObject({ cancel_reason: '买家退单' });
  });

  it('refuses wrong use before it calls anybody', async () => {
    const wrong = [
      ['list', '--state', 'lost'],
      ['list', '--from', 'yesterday'],
      ['list', '--limit', '0'],
      ['find', 'A', '--parcel', '1000'],
      ['cancel', 'Q1'],
    ];
    for (const args of wrong) {
      const run = await waybill(args, { address: '127.0.0.1:1' });
      expect(run, args.join(' ')).toMatchObject({ exit: 2, stdout: '' });
      expect(run.stderr).toMatch(/^error: /);
    }
  });

  it('stops at the first cancellation when the server is away', async () => {
    const options = { address: '127.0.0.1:1' };
    const run = await waybill(['cancel', 'Q10000', 'Q20000', '--reason', 'x'], options);
    expect(run.exit).toBe(2);
    expect(run.stderr.match(/DEPENDENCY_DOWN/g)).toHaveLength(1);
  });
});
