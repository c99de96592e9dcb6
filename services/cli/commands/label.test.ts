import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCodes, pictureOfPng, textsOfPdf } from '#test/support/pictures';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { openSecrets } from '../secrets.ts';
import { readSettings } from '../settings.ts';
import { type CliOptions, cli, testFolder } from './cli.fixture.ts';
import { issueCommand } from './issue.ts';
import { labelCommand } from './label.ts';

let system: TestSystem;
let shop: SeededMerchant;
let numbers: string[];
let folder: Awaited<ReturnType<typeof testFolder>>;

beforeAll(async () => {
  system = await testSystem();
  folder = await testFolder();
  shop = await seedMerchant(system);
  const parcels = ['A', 'B', 'C'].map((ref) => parcelOf(shop, ref));
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels });
  numbers = outcomes.map(({ outcome }) =>
    outcome.case === 'issued' ? outcome.value.waybillNumber : '',
  );
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

function label(args: string[], options: CliOptions = {}) {
  const { address } = system;
  return cli([labelCommand], ['label', ...args], { address, apiKey: shop.apiKey, ...options });
}

describe('queqiao label', () => {
  it('prints a PDF, and tells of what it could not print', async () => {
    const path = folder.path('some.pdf');
    const run = await label(['print', ...numbers, 'Q00000000000', '--output', path, '--json']);
    expect(run.exit).toBe(1);
    expect(run.json()).toMatchObject([
      { error: { reason: 'WAYBILL_NOT_FOUND' } },
      { files: [path], labels: 3, failed: 1 },
    ]);
    expect(await textsOfPdf(await readFile(path))).toHaveLength(3);
    const shown = await label(['print', numbers[0] ?? '', '--output', folder.path('one.pdf')]);
    expect(shown).toMatchObject({ exit: 0, stderr: '' });
    expect(shown.stdout).toBe(`labels printed: 1, ${folder.path('one.pdf')}\n`);
  });

  it('leaves no file behind where nothing was printed', async () => {
    const path = folder.path('none.pdf');
    const run = await label(['print', 'Q00000000000', '--output', path]);
    expect(run.exit).toBe(1);
    expect((await readdir(folder.path('.'))).filter((name) => name.startsWith('none'))).toEqual([]);
  });

  it('prints ZPL, and pictures whose codes it verifies with a list of keys, offline', async () => {
    const zpl = folder.path('some.zpl');
    await label(['print', ...numbers, '--format', 'zpl', '--dpi', '300', '--output', zpl]);
    expect((await readFile(zpl, 'utf8')).match(/\^XA/g)).toHaveLength(3);
    const args = ['print', ...numbers, '--format', 'png', '--size', '100x180'];
    await label([...args, '--output', folder.path('p.png')]);
    const codes = await Promise.all(
      numbers.map(async (number) => {
        const png = await readFile(folder.path(`p-${number}.png`));
        return (await decodeCodes(await pictureOfPng(png)))['QRCode'] ?? '';
      }),
    );
    const keys = folder.path('keys.json');
    await writeFile(keys, (await label(['keys'])).stdout);
    const offline = { address: '127.0.0.1:1' };
    const verified = await label(['verify', ...codes, '--keys', keys, '--json'], offline);
    expect(verified.exit).toBe(0);
    expect(verified.json().map((each) => each['waybill_number'])).toEqual(numbers);
    expect(verified.json()[0]).toMatchObject({ valid: true, key_id: expect.any(String) });
    const [first = ''] = codes;
    const forged = `${first.slice(0, 40)}${first[40] === 'A' ? 'B' : 'A'}${first.slice(41)}`;
    const stdin = [Buffer.from(`${first}\n\n${forged}\nnonsense\n`)];
    const mixed = await label(['verify', '--keys', keys, '--json'], { ...offline, stdin });
    expect(mixed.exit).toBe(1);
    expect(mixed.json().map((each) => each['reason'] ?? 'valid')).toEqual([
      'valid',
      'forged',
      'malformed',
    ]);
    expect((await label(['verify', first])).stdout).toContain(`waybill_number\t${numbers[0]}`);
  });

  it('writes what stands on labels as lines of JSON', async () => {
    const path = folder.path('labels.jsonl');
    const run = await label(['print', ...numbers, '--format', 'jsonl', '--output', path]);
    expect(run).toMatchObject({ exit: 0, stderr: '' });
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    const shown = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(shown.map((each) => each['waybill_number'])).toEqual(numbers);
    const codes = shown.map((each) => String(each['qr_text']));
    const keys = await label(['keys']);
    await writeFile(folder.path('data-keys.json'), keys.stdout);
    const verified = await label(['verify', ...codes, '--keys', folder.path('data-keys.json')]);
    expect(verified.exit).toBe(0);
  });

  it('declares a template from a file, and prints by it', async () => {
    const file = folder.path('template.json');
    const place = { x_dmm: 10, y_dmm: 10, width_dmm: 300, height_dmm: 50, text_size_dmm: 30 };
    const fields = [{ key: 'shelf', caption: '货架', ...place }];
    await writeFile(file, JSON.stringify({ template_id: 'cli', fields }));
    const made = await label(['template', 'create', file, '--json']);
    expect(made.json()).toMatchObject([{ template_id: 'cli', size: 'LABEL_SIZE_76X130', fields }]);
    expect((await label(['template', 'get', 'cli', '--json'])).json()).toEqual(made.json());
    expect((await label(['template', 'list'])).stdout).toMatch(/^cli\t.*\t76x130\tshelf$/m);
    const path = folder.path('shelf.pdf');
    const args = ['print', numbers[1] ?? '', '--template', 'cli', '--text', 'shelf=B-07-3'];
    expect((await label([...args, '--output', path])).exit).toBe(0);
    expect((await textsOfPdf(await readFile(path)))[0]).toContain('货架 B-07-3');
    await writeFile(file, '{"x":1}');
    expect((await label(['template', 'create', file])).stderr).toMatch(/is no template/);
    expect((await label(['template', 'get', 'nothing'])).exit).toBe(1);
  });

  it('refuses what makes no sense', async () => {
    const [number = ''] = numbers;
    for (const args of [
      ['print'],
      ['print', number, '--size', '1x1'],
      ['print', number, '--dpi', '600'],
      ['print', number, '--text', 'x'],
      ['verify', 'x', '--keys', folder.path('missing.json')],
    ]) {
      expect((await label(args)).exit, args.join(' ')).toBe(2);
    }
  });
});

describe('queqiao issue --labels', () => {
  it('prints the labels of all rows with a number, once, however often it runs', async () => {
    const { courierId, nodeId } = shop;
    const row = (ref: string, detail: string) =>
      `${ref},${courierId},${nodeId},李雷,13800001234,浙江省,杭州市,西湖区,${detail}`;
    const header = '订单号,快递公司,发货仓,收件人,电话,省,市,区县,详细地址';
    const orders = folder.path('orders.csv');
    const lines = [header, row('O-1', '文三路100号'), row('O-2', ''), row('O-3', '文三路1号')];
    await writeFile(orders, `${lines.join('\n')}\n`);
    const path = folder.path('orders.pdf');
    const issue = () =>
      cli([issueCommand], ['issue', orders, '--labels', path, '--json'], {
        address: system.address,
        apiKey: shop.apiKey,
      });
    const first = await issue();
    expect(first.exit).toBe(1);
    expect(first.json()).toMatchObject([
      { issued: 2, failed: 1 },
      { files: [path], labels: 2 },
    ]);
    const pdf = await readFile(path);
    expect(await textsOfPdf(pdf)).toHaveLength(2);
    expect((await issue()).json()[1]).toMatchObject({ labels: 2 });
    // The same labels to the last bit, and no print more.
    expect(await readFile(path)).toEqual(pdf);
    const { prints } = await system.label(shop.apiKey).listLabelPrints({ pageSize: 2 });
    expect(prints.map(({ printCount }) => printCount)).toEqual([1, 1]);
    const from = `${orders}.result.csv`;
    const again = await label([
      'print',
      '--from',
      from,
      '--output',
      folder.path('x.pdf'),
      '--json',
    ]);
    expect(again.json()).toMatchObject([{ labels: 2, failed: 0 }]);
  });
});

describe('the key of labels', () => {
  const secretsOf = async (key: string, old = '') => {
    await writeFile(folder.path('label.key'), key);
    const settings = readSettings({
      QUEQIAO_STATE_DIR: folder.path('state'),
      QUEQIAO_LABEL_KEY_FILE: folder.path('label.key'),
      ...(old !== '' && { QUEQIAO_LABEL_OLD_PUBLIC_KEYS: old }),
    });
    return openSecrets(settings);
  };

  it('comes from a file of 32 bytes, with public keys of those before', async () => {
    const seed = Buffer.alloc(32, 250);
    const { labelSigner } = await secretsOf(`${seed.toString('base64')}\n`);
    expect((await secretsOf(seed.toString('hex'))).labelSigner.keyId).toBe(labelSigner.keyId);
    const old = labelSigner.publicJwk.x;
    const next = await secretsOf(Buffer.alloc(32, 1).toString('base64'), old);
    expect(next.labelKeys.map(({ kid }) => kid)).toEqual([
      next.labelSigner.keyId,
      labelSigner.keyId,
    ]);
  });

  it('is made at the first start, and stays', async () => {
    const settings = readSettings({ QUEQIAO_STATE_DIR: folder.path('fresh') });
    const { labelSigner } = await openSecrets(settings);
    expect((await openSecrets(settings)).labelSigner.keyId).toBe(labelSigner.keyId);
  });

  it('is refused if it is none', async () => {
    await expect(secretsOf('short')).rejects.toThrow(/32 bytes/);
    await expect(secretsOf('0'.repeat(64), 'abc')).rejects.toThrow(/32 bytes/);
  });
});
