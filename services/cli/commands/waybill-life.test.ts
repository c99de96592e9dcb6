import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AddedServiceAttribute_Type as Type } from '#proto/queqiao/network/v1/courier';
import {
  type ParcelInit,
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

beforeAll(async () => {
  system = await testSystem();
  const attributes = [
    { name: 'amount_fen', type: Type.INTEGER },
    { name: 'note', type: Type.TEXT },
    { name: 'how', type: Type.ENUM, values: ['cash'] },
  ];
  merchant = await seedMerchant(system, {
    addedServices: [
      { code: 'cod', displayName: '代收货款', attributes },
      { code: 'eco', displayName: '环保包装' },
    ],
  });
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function waybill(args: string[], options: CliOptions = {}) {
  const { address } = system;
  const { apiKey } = merchant;
  return cli([waybillCommand], ['waybill', ...args], { address, apiKey, ...options });
}

async function issue(orderRef: string, ...changes: ParcelInit[]): Promise<string[]> {
  const parcels = (changes.length > 0 ? changes : [{}]).map((change) =>
    parcelOf(merchant, orderRef, change),
  );
  const { outcomes } = await system.waybill(merchant.apiKey).issueWaybills({ parcels });
  return outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
}

describe('queqiao waybill update, versions', () => {
  it('changes what is given and shows what was', async () => {
    const [number = ''] = await issue('U-1');
    const added = ['--added', 'cod:amount_fen=9900,note="a,b",how=cash', '--added', 'eco'];
    const run = await waybill(['update', number, '--weight-g', '700', ...added]);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    expect(run.stdout).toContain('cod:amount_fen=9900,note="a,b",how=cash eco');
    const address = ['--province', '湖北省', '--city', '武汉市', '--detail', '沿江大道2号'];
    const json = ['--based-on', '2', '--json'];
    const [after] = (await waybill(['update', number, '--no-added', ...address, ...json])).json();
    expect(after).toMatchObject({ version: 3, added_services: [], consignee: { city: '武汉市' } });
    const name = ['--name', '李雷', '--phone', '13900001111'];
    await waybill(['update', number, ...name, ...address]);
    const shown = await waybill(['versions', number]);
    expect(shown.stdout.split('\n').map((line) => line.split('\t')[5])).toEqual([
      ...['consignee', '欧阳**', '欧阳**', '欧阳**', '李*'],
      undefined,
    ]);
    const all = (await waybill(['versions', number, '--json'])).json();
    expect(all.map((each) => (each['waybill'] as { weight_g: number }).weight_g)).toEqual([
      ...[1_250, 700, 700, 700],
    ]);
  });

  it('tells a conflict and wrong use', async () => {
    const [number = ''] = await issue('U-2');
    const stale = await waybill(['update', number, '--based-on', '5', '--remark', 'x']);
    expect(stale.exit).toBe(1);
    expect(stale.stderr).toContain('[CONFLICT');
    for (const args of [
      ['--weight-g', 'heavy'],
      ['--added', ':x=1'],
      ['--added', 'cod:amount'],
    ]) {
      expect(await waybill(['update', number, ...args])).toMatchObject({ exit: 2, stdout: '' });
    }
    const wrong = await waybill(['update', number, '--name', '李雷']);
    expect(wrong.stderr).toContain('field=consignee.phone');
  });
});

describe('queqiao waybill shipment, cancel --whole', () => {
  it('shows all parcels and what is missing, and cancels them together', async () => {
    const of3 = (parcelNo: number) => ({ parcelNo, parcelCount: 3 });
    const [parent = '', child = ''] = await issue('S-1', of3(1), of3(2));
    const shown = await waybill(['shipment', child]);
    expect(shown.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
      ...['number', parent, child, ''],
    ]);
    expect(shown.stderr).toBe('1 of 3 parcels are not issued yet\n');
    const [json] = (await waybill(['shipment', parent, '--json'])).json();
    expect(json).toMatchObject({ parcel_count: 3, missing_count: 1 });
    const alone = await waybill(['cancel', parent, '--reason', 'x']);
    expect(alone.stderr).toContain('CHILDREN_LIVE');
    const whole = await waybill(['cancel', child, '--whole', '--reason', 'x', '--json']);
    expect(whole.json().map((each) => each['state'])).toEqual([
      ...['STATE_CANCELLED', 'STATE_CANCELLED'],
    ]);
    const update = await waybill(['update', parent, '--whole', '--remark', 'x']);
    expect(update.stderr).toContain('STATE_NOT_ALLOWED');
  });
});

describe('queqiao waybill return, release, recall', () => {
  it('draws a return once', async () => {
    const [number = ''] = await issue('R-1');
    const args = ['return', number, '--parcel', '501', '--goods', '茶叶', '--json'];
    const [first] = (await waybill(args)).json();
    expect(first).toMatchObject({ outward_waybill_number: number, parcel_no: 501 });
    expect((await waybill(args)).json()[0]).toEqual(first);
    const shown = await waybill(['get', number], { isTTY: true });
    expect(shown.stdout).toContain(String(first?.['waybill_number']));
    const nameless = await waybill(['return', number, '--parcel', '502', '--province', '湖北省']);
    expect(nameless.stderr).toContain('field=consignee.name');
    expect(await waybill(['return', number])).toMatchObject({ exit: 2 });
  });

  it.each([
    ['release', 'STATE_ISSUED'],
    ['recall', 'STATE_RECALLED'],
  ])('%ss what waits, and says what does not', async (command, state) => {
    const held = { holdNodeId: merchant.nodeId };
    const [waiting = '', other = ''] = await issue(`M-${command}`, held, { parcelNo: 2 });
    const listed = (await waybill(['list', '--state', 'prepositioned', '--json'])).json();
    expect(listed.map((each) => each['waybill_number'])).toContain(waiting);
    const run = await waybill([command, waiting, other, '--json']);
    expect(run.exit).toBe(1);
    expect(run.json()).toMatchObject([{ state }, { error: { reason: 'STATE_NOT_ALLOWED' } }]);
  });
});
