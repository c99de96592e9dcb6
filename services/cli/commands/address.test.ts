import { describe, expect, it } from 'vitest';
import { addressCommand } from './address.ts';
import { type CliOptions, cli } from './cli.fixture.ts';

const TEXT = '李雷 13800001234 浙江省杭州市萧山区北干街道金蓬街100号2幢301室';

function address(args: string[], options: CliOptions = {}) {
  return cli([addressCommand], ['address', ...args], options);
}

function stdin(...parts: string[]): Buffer[] {
  return parts.map((part) => Buffer.from(part));
}

describe('queqiao address parse', () => {
  it('shows one text as a record; its words need no quotes', async () => {
    const { exit, stdout } = await address(['parse', ...TEXT.split(' ')], { isTTY: true });
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^code +330109$/m);
    expect(stdout).toMatch(/^county +萧山区 330109$/m);
    expect(stdout).toMatch(/^street +北干街道 330109\d{3}$/m);
    expect(stdout).toMatch(/^detail +北干街道金蓬街100号2幢301室$/m);
    expect(stdout).toMatch(/^phone +13800001234$/m);
    expect(stdout).toMatch(/^notes +guessed: name \(position\)$/m);
  });

  it('prints one object a line in the order of stdin, errors in their place', async () => {
    const lines = `${TEXT}\r\n\n浙江省南京市\n${'长'.repeat(501)}\n杭州市江干区学林街1号`;
    const { exit, json } = await address(['parse', '--json'], { stdin: stdin(lines) });
    expect(exit).toBe(1);
    expect(json()).toMatchObject([
      {
        code: '330109',
        province: '浙江省',
        province_code: '330000',
        city_code: '330100',
        county_code: '330109',
        street: '北干街道',
        road: '金蓬街',
        room: '301室',
        name: '李雷',
        phone: '13800001234',
        precision: 'room',
        guesses: [{ field: 'name', reason: 'position' }],
        conflicts: [],
        location: { latitude_deg: expect.any(Number), longitude_deg: expect.any(Number) },
        ...{ location_basis: 'division', location_radius_m: 0, location_fix_count: 0 },
      },
      { error: { reason: 'FIELD_INVALID', field: 'text', metadata: { problem: 'REQUIRED' } } },
      { code: '', conflicts: ['浙江省', '南京市'], location: null, location_code: '' },
      { error: { metadata: { problem: 'TOO_LONG', max: '500' } } },
      { code: '330100', candidates: expect.arrayContaining(['330102', '330114']) },
    ]);
  });

  it('answers while lines still come, however they are cut into chunks', async () => {
    const bytes = Buffer.from(`${TEXT}\n`.repeat(50));
    const chunks = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) =>
      bytes.subarray(i * 7, i * 7 + 7),
    );
    const { exit, json } = await address(['parse', '--json'], { stdin: chunks });
    expect(exit).toBe(0);
    expect(json().map(({ county_code, name }) => `${county_code} ${name}`)).toEqual(
      Array(50).fill('330109 李雷'),
    );
  });

  it('shows many as a table with what to look at', async () => {
    const lines = `${TEXT}\n\n海南省三亚市天涯区海南省三亚市吉阳区\n韩国首尔市江南区\n`;
    const { stdout } = await address(['parse'], { stdin: stdin(lines) });
    const rows = stdout.trimEnd().split('\n');
    expect(rows).toHaveLength(5);
    expect(rows[0]).toBe('code\tplace\tdetail\tname\tphone\tprecision\tnotes');
    expect(rows[1]).toContain('浙江省杭州市萧山区\t北干街道金蓬街100号2幢301室\t李雷');
    expect(rows[2]).toContain('text is required');
    expect(rows[3]).toContain('contradictory: 天涯区 / 吉阳区');
    expect(rows[4]).toContain('another country: 韩国');
    const env = { LANG: 'zh_CN.UTF-8' };
    expect((await address(['parse'], { stdin: stdin(lines), env })).stdout).toContain('矛盾:');
  });

  it('does not keep a file without line ends in memory', async () => {
    const chunk = Buffer.from('长'.repeat(20_000));
    const { exit, json } = await address(['parse', '--json'], {
      stdin: [...Array<Buffer>(200).fill(chunk), ...stdin('\n杭州市')],
    });
    expect(exit).toBe(1);
    expect(json()).toMatchObject([{ error: { field: 'text' } }, { code: '330100' }]);
  });

  it('has nothing to say about nothing', async () => {
    expect(await address(['parse', '--json'])).toMatchObject({ exit: 0, stdout: '' });
    expect(await address(['parse', ' '])).toMatchObject({ exit: 2, stdout: '' });
    expect((await address(['parse', ' '])).stderr).toContain('text is required');
  });
});
