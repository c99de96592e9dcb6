import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestSystem, testSystem } from '#test/support/system';
import { areaCommand } from './area.ts';
import { type CliOptions, cli, testFolder } from './cli.fixture.ts';
import { keyCommand } from './key.ts';
import { networkCommands } from './network.ts';
import { sortCommand } from './sort.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await testSystem();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

function queqiao(args: string[], options: CliOptions = {}) {
  const { address, operatorKey: apiKey } = system;
  return cli([networkCommands, areaCommand, sortCommand, keyCommand], args, {
    address,
    apiKey,
    ...options,
  });
}

describe('queqiao merchant, courier, node, range', () => {
  it('registers a network from flags, lists it and shows it', async () => {
    const create = [
      ['merchant', 'create', 'qing', '--name', '青禾'],
      [
        ...['courier', 'create', 'que', '--name', '灵鹊'],
        ...['--service', 'standard=标准', '--service', 'next-day=次日达'],
      ],
      [
        ...[
          'node',
          'create',
          'hz',
          '--kind',
          'warehouse',
          '--name',
          '杭州仓',
          '--merchant',
          'qing',
        ],
        ...['--province', '浙江省', '--city', '杭州市', '--detail', '示例路 1 号'],
        ...['--lat', '30.29', '--lng', '120.16', '--datum', 'gcj02'],
      ],
      [
        ...['range', 'create', 'que-1', '--courier', 'que', '--prefix', '26', '--width', '11'],
        ...['--first', '1000', '--last', '9999', '--check', 'iso7064', '--low-water', '100'],
      ],
    ];
    for (const args of create) {
      expect(await queqiao(args), args.join(' ')).toMatchObject({ exit: 0, stderr: '' });
      // The same again is no fault.
      expect((await queqiao(args)).exit).toBe(0);
    }
    const [courier] = (await queqiao(['courier', 'get', 'que', '--json'])).json();
    expect(courier).toMatchObject({
      services: [
        { service_code: 'standard', display_name: '标准' },
        { service_code: 'next-day', display_name: '次日达' },
      ],
    });
    const node = await queqiao(['node', 'get', 'hz']);
    expect(node.stdout).toContain('kind\twarehouse\n');
    expect(node.stdout).toContain('location.datum\tgcj02\n');
    const ranges = await queqiao(['range', 'list', '--courier', 'que'], { isTTY: true });
    expect(ranges.stdout).toMatch(
      /range_id +courier_id .*\nque-1 +que .* iso7064_mod11_10 +1000 +9999/,
    );
    expect((await queqiao(['node', 'list', '--merchant', 'qing', '--json'])).json()).toHaveLength(
      1,
    );
  });

  it('covers a polygon of a file and gives an area another shape', async () => {
    await using folder = await testFolder();
    const file = folder.path('hz.geojson');
    const ring = (north: number) => [
      ...[
        [120, 30],
        [120.05, 30],
        [120.05, north],
        [120, north],
        [120, 30],
      ],
    ];
    const write = (north: number) =>
      writeFile(file, JSON.stringify({ type: 'Polygon', coordinates: [ring(north)] }));
    const courier = ['courier', 'create', 'su', '--name', '速达', '--service', 'standard=标快'];
    expect((await queqiao(courier)).exit).toBe(0);
    await write(30.05);
    const made = await queqiao([
      ...['area', 'create', 'su-hz', '--courier', 'su', '--kind', 'territory', '--json'],
      ...['--geojson', file, '--hub', '571', '--branch', 'A03', '--division', '330110'],
    ]);
    expect(made).toMatchObject({ exit: 0, stderr: '' });
    const [shown] = made.json();
    const { cells } = shown as { cells: string[] };
    const before = Number(shown?.['cell_count']);
    expect(cells.length).toBeLessThan(before);
    // What is not named stays, the shape among it.
    const renamed = await queqiao(['area', 'update', 'su-hz', '--name', '余杭', '--json']);
    expect(renamed.json()[0]).toMatchObject({ cells, display_name: '余杭', hub_code: '571' });
    await write(30.1);
    const grown = await queqiao(['area', 'update', 'su-hz', '--geojson', file, '--json']);
    expect(grown.json()[0]?.['cell_count']).toBeGreaterThan(before * 1.8);
    const list = await queqiao(['area', 'list', '--courier', 'su'], { isTTY: true });
    expect(list.stdout).toMatch(/su-hz +su +territory +active +余杭 +\d+ +571 +A03/);
    const divided = await queqiao(['area', 'divide', 'su-hz', '--routes', '3', '--json']);
    expect(divided).toMatchObject({ exit: 0, stderr: '' });
    const [{ area, balance_permille: balance } = {}] = divided.json();
    expect((area as { routes: object[] }).routes).toHaveLength(3);
    expect(Number(balance)).toBeLessThanOrEqual(1_150);
    const report = await queqiao(['area', 'report', '--courier', 'su', '--json']);
    expect(report).toMatchObject({ exit: 0, stderr: '' });
    const service = ['area', 'create', 'su-all', '--courier', 'su', '--kind', 'service'];
    expect((await queqiao([...service, '--division', '33'])).exit).toBe(0);
    const reach = ['area', 'reach', '--courier', 'su', '--division'];
    expect((await queqiao([...reach, '330110'])).stdout).toContain('VERDICT_SERVED');
    const outside = await queqiao([...reach, '11']);
    expect(outside.exit).toBe(1);
    expect(outside.stdout).toContain('CAUSE_OUTSIDE');
    const addresses = '浙江省杭州市余杭区文一西路969号\n\n北京市朝阳区建国路1号\n';
    const stdin = () => [Buffer.from(addresses)];
    const lines = await queqiao(['area', 'reach', '--courier', 'su', '--json'], { stdin: stdin() });
    expect(lines).toMatchObject({ exit: 1, stderr: '' });
    expect(lines.json()).toMatchObject([
      { division_code: '330110', verdict: 'VERDICT_SERVED' },
      { address: '', error: { field: 'text' } },
      { division_code: '110105', cause: 'CAUSE_OUTSIDE' },
    ]);
    const table = await queqiao(['area', 'reach', '--courier', 'su'], { stdin: stdin() });
    expect(table.stdout).toMatch(/SERVED\s.*330110\s+浙江省杭州市余杭区文一西路969号\n/);
    await writeFile(file, '{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}');
    const crossed = await queqiao(['area', 'update', 'su-hz', '--geojson', file]);
    expect(crossed.exit).not.toBe(0);
    expect(crossed.stderr).toContain('crosses or touches itself');
  });

  it('gives territories codes and settles who has which cell', async () => {
    const courier = ['courier', 'create', 'an', '--name', '安达', '--service', 'standard=标快'];
    expect((await queqiao(courier)).exit).toBe(0);
    const wide = '87309a550ffffff';
    const create = (id: string, kind: string, cell: string) =>
      queqiao([
        ...['area', 'create', id, '--courier', 'an', '--kind', kind],
        ...['--cell', cell, '--json'],
      ]);
    expect((await create('an-all', 'service', wide)).exit).toBe(0);
    const [{ hub_code, branch_code } = {}] = (
      await create('an-1', 'territory', '88309a5501fffff')
    ).json();
    expect(`${hub_code}-${branch_code}`).toBe('3301-001');
    expect((await create('an-2', 'territory', '89309a55003ffff')).exit).toBe(0);
    const settle = ['area', 'settle', '--courier', 'an'];
    const tried = await queqiao([...settle, '--dry-run'], { isTTY: true });
    expect(tried).toMatchObject({ exit: 0, stderr: '' });
    expect(tried.stdout).toMatch(/area_id +gained +lost +cells\nan-1 +\+\d+ +-1 +\d+\n/);
    expect(tried.stdout).toMatch(/cells_of_several +1 -> 0\ncells_of_none +42 -> 0\n/);
    const done = await queqiao([...settle, '--json']);
    expect(done.json()[0]).toMatchObject({ gap_cell_count_before: '42' });
    const again = await queqiao(settle);
    expect(again.stdout).toBe('cells_of_several\t0 -> 0\ncells_of_none\t0 -> 0\n');
    expect((await queqiao(['area', 'report', '--courier', 'an'])).exit).toBe(0);
  });

  it("uploads a courier's sort codes and shows the code of a place", async () => {
    await using folder = await testFolder();
    const file = folder.path('codes.csv');
    const courier = ['courier', 'create', 'ji', '--name', '极速', '--service', 'standard=标快'];
    expect((await queqiao(courier)).exit).toBe(0);
    await writeFile(
      file,
      '\ufeffplace,hub_code,branch_code,route_code,bag_destination\n' +
        '3301,571,,,杭州分拨\n330110,571,A03,08,杭州分拨\n',
    );
    const upload = ['sort', 'upload', 'ji-1', file, '--courier', 'ji', '--json'];
    const uploaded = await queqiao(upload);
    expect(uploaded).toMatchObject({ exit: 0, stderr: '' });
    expect(uploaded.json()[0]).toMatchObject({ row_count: 2, state: 'STATE_ACTIVE' });
    expect((await queqiao(upload)).json()).toEqual(uploaded.json());
    const code = ['sort', 'code', '--courier', 'ji'];
    const names = ['--province', '浙江省', '--city', '杭州市', '--district', '余杭区'];
    const found = await queqiao([...code, ...names]);
    expect(found).toMatchObject({ exit: 0, stderr: '' });
    expect(found.stdout).toContain('sort_code.text\t571-A03-08\n');
    const address = await queqiao([...code, '浙江杭州余杭区文一西路969号', '--json']);
    expect(address).toMatchObject({ exit: 0, stderr: '' });
    expect(address.json()).toMatchObject([
      { division_code: '330110', cell: '', sort_code: { text: '571-A03-08' } },
    ]);
    const missing = await queqiao([...code, '--division', '11', '--json']);
    expect(missing.json()[0]).toMatchObject({ gap: 'GAP_NOT_COVERED' });
    expect(missing.exit).not.toBe(0);
    expect((await queqiao(['sort', 'update', 'ji-1', '--state', 'disabled'])).exit).toBe(0);
    expect((await queqiao([...code, ...names])).stdout).toContain('NOT_COVERED');
    await writeFile(file, 'place,hub\n33,571\n');
    expect((await queqiao(upload.slice(0, -1))).stderr).toContain('no column hub');
  });

  it('creates from a file and updates only what is named', async () => {
    await using folder = await testFolder();
    const file = folder.path('merchant.json');
    await writeFile(file, JSON.stringify({ merchantId: 'mian', displayName: '棉花', spread: 4 }));
    expect((await queqiao(['merchant', 'create', '--file', file])).exit).toBe(0);
    const updated = await queqiao(['merchant', 'update', 'mian', '--state', 'disabled', '--json']);
    expect(updated.json()).toMatchObject([
      { merchant_id: 'mian', display_name: '棉花', spread: 4, state: 'STATE_DISABLED' },
    ]);
    const [{ etag } = {}] = updated.json();
    await queqiao(['merchant', 'update', 'mian', '--name', '棉花朵']);
    // A file that brings the etag of an older version is refused.
    await writeFile(file, JSON.stringify({ etag, display_name: '旧' }));
    const late = await queqiao(['merchant', 'update', 'mian', '--file', file]);
    expect(late.exit).toBe(1);
    expect(late.stderr).toContain('[CONFLICT');
  });

  it('tells what is wrong in one line', async () => {
    await using folder = await testFolder();
    const file = folder.path('broken.json');
    await writeFile(file, '{"merchant_id": ');
    const cases: [string[], RegExp, number][] = [
      [['merchant', 'get', 'nobody'], /^error: no merchant nobody \(.*\[MERCHANT_NOT_FOUND/, 1],
      [['merchant', 'create', 'Big'], /^error: merchant\.merchant_id must be 2 to 32/, 2],
      [['merchant', 'create', '--file', file], /^error: .*broken\.json is not JSON/, 2],
      [
        ['courier', 'create', 'x1', '--service', 'standard'],
        /^error: --service standard: write/,
        2,
      ],
      [['range', 'create', 'r1', '--check', 'luhn'], /^error: .*none, iso7064, gs1, s10/, 2],
      [
        ['range', 'create', 'r1', '--first', '1e3', '--courier', 'que'],
        /^error: .*first_serial/,
        2,
      ],
    ];
    for (const [args, text, exit] of cases) {
      const run = await queqiao(args);
      expect(run.stderr, args.join(' ')).toMatch(text);
      expect(run.exit, args.join(' ')).toBe(exit);
    }
  });
});

describe('queqiao key', () => {
  it('makes a key whose secret is shown once and opens what it may', async () => {
    await queqiao(['merchant', 'create', 'keyed', '--name', 'K']);
    const made = await queqiao(['key', 'create', 'keyed-1', '--merchant', 'keyed', '--json']);
    const [{ secret, api_key } = {}] = made.json() as { secret: string; api_key: object }[];
    expect(made.stderr).toMatch(/^warning: keep the secret now/);
    expect(api_key).toMatchObject({ subject: { kind: 'KIND_MERCHANT', id: 'keyed' } });
    const asMerchant = { apiKey: secret ?? '' };
    expect((await queqiao(['merchant', 'get', 'keyed'], asMerchant)).exit).toBe(0);
    const refused = await queqiao(['merchant', 'create', 'other', '--name', 'O'], asMerchant);
    expect(refused).toMatchObject({ exit: 2 });
    expect(refused.stderr).toContain('[SCOPE_MISSING');

    const listed = await queqiao(['key', 'list']);
    expect(listed.stdout).toMatch(/keyed-1\tmerchant keyed\tactive\t/);
    expect(listed.stdout).not.toContain(secret);
    expect((await queqiao(['key', 'revoke', 'keyed-1'])).stdout).toContain('state\trevoked\n');
  });

  it('makes a successor of a key, and says when the old one ends', async () => {
    await queqiao(['merchant', 'create', 'turning', '--name', 'T']);
    const limits = ['--from', '127.0.0.0/8', '--calls-per-s', '9', '--per-day', '100'];
    const create = ['key', 'create', 'turn-1', '--merchant', 'turning', '--json', ...limits];
    const [first = {}] = (await queqiao(create)).json();
    expect(first['api_key']).toMatchObject({
      allowed_cidrs: ['127.0.0.0/8'],
      limits: { calls_per_s: 9, waybills_per_day: '100' },
    });
    const rotate = ['key', 'rotate', 'turn-1', 'turn-2', '--grace', '2h', '--json'];
    const [second = {}] = (await queqiao(rotate)).json();
    expect(second).toMatchObject({
      api_key: { predecessor_id: 'turn-1', allowed_cidrs: ['127.0.0.0/8'] },
      predecessor: { api_key_id: 'turn-1', expire_time: expect.any(String) },
    });
    for (const { secret } of [first, second] as { secret: string }[]) {
      const asMerchant = { apiKey: secret };
      expect((await queqiao(['merchant', 'get', 'turning'], asMerchant)).exit).toBe(0);
    }
    const again = await queqiao(['key', 'rotate', 'turn-2', 'turn-3']);
    expect(again.stderr).toMatch(/turn-1 is in use beside turn-2/);
  });

  it('asks whom a key speaks for, and takes an end and scopes', async () => {
    const vague = await queqiao(['key', 'create', 'k2']);
    expect(vague.stderr).toMatch(/^error: Say whom the key speaks for/);
    const both = await queqiao(['key', 'create', 'k2', '--operator', '--merchant', 'keyed']);
    expect(both.exit).toBe(2);
    const args = ['--operator', '--scope', 'network.read', '--expires', '90d', '--json'];
    const [{ api_key } = {}] = (await queqiao(['key', 'create', 'k3', ...args])).json();
    expect(api_key).toMatchObject({ scopes: ['network.read'] });
    const { expire_time } = api_key as { expire_time: string };
    expect(Date.parse(expire_time)).toBeGreaterThan(Date.now() + 89 * 86_400_000);
  });
});

describe('queqiao issuer', () => {
  it('registers who may sign tokens, and stops it', async () => {
    await queqiao(['merchant', 'create', 'signed', '--name', 'S']);
    const { publicKey } = generateKeyPairSync('ed25519');
    const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: '1' }] });
    const create = [
      ...['issuer', 'create', 'idp', '--issuer', 'https://id.example', '--audience', 'queqiao'],
      ...['--jwks', jwks, '--kind', 'merchant', '--subject', 'signed', '--scope', 'waybill.read'],
      ...['--from', '10.0.0.0/8', '--calls-per-s', '5', '--per-day', '70'],
    ];
    expect(await queqiao(create)).toMatchObject({ exit: 0, stderr: '' });
    const [made] = (await queqiao(['issuer', 'get', 'idp', '--json'])).json();
    expect(made).toMatchObject({
      subject: { kind: 'KIND_MERCHANT', id: 'signed' },
      scopes: ['waybill.read'],
      allowed_cidrs: ['10.0.0.0/8'],
      limits: { calls_per_s: 5, waybills_per_day: '70' },
    });
    await queqiao(['issuer', 'update', 'idp', '--state', 'disabled']);
    expect((await queqiao(['issuer', 'list'])).stdout).toMatch(/\tsigned\tdisabled\n/);
  });
});
