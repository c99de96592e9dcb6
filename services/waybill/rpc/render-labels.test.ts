import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { LabelKeys, verifyLabel } from '#libs/label';
import { AddedServiceAttribute_Type } from '#proto/queqiao/network/v1/courier';
import { NumberRange_CheckDigitScheme } from '#proto/queqiao/network/v1/number_range';
import { LabelFormat, LabelSize } from '#proto/queqiao/waybill/v1/label_service';
import { decodeCodes, pictureOfPng, textsOfPdf } from '#test/support/pictures';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels, recount, usageOf } from '../account.fixture.ts';
import { render, shown, templateOf } from '../label.fixture.ts';
import { accesses, issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;
let number: string;

beforeAll(async () => {
  system = await testSystem({ labelPrintsMax: 3 });
  shop = await seedMerchant(system, { addedServices: COD });
  number = await issue(system, shop, 'L-0');
});
afterAll(() => system[Symbol.asyncDispose]());

const CODE = {
  ...{ hubCode: '571', branchCode: 'A03', routeCode: '08', bagDestination: '杭州北分拨' },
};
const itemsOf = (...numbers: string[]) => numbers.map((waybillNumber) => ({ waybillNumber }));

describe('RenderLabels', () => {
  it('answers a PDF whose pages say what a courier needs, and nothing in the clear', async () => {
    const cod = { code: 'cod', attributes: { amount_fen: integer(12_850n) } };
    const parent = await issue(system, shop, 'L-1', { parcelCount: 2, addedServices: [cod] });
    const child = await issue(system, shop, 'L-1', { parcelCount: 2, parcelNo: 2 });
    const { outcomes, files } = await render(system, shop.apiKey, {
      items: itemsOf(parent, child),
    });
    expect(outcomes.map(shown)).toEqual([1, 1]);
    const [first = '', second = ''] = await textsOfPdf(pdfOf(files));
    for (const text of ['测试快递', '标快', '1/2', '欧阳**', '138******78', '代收货款 ¥128.50']) {
      expect(first).toContain(text);
    }
    expect(first.replace(/\s/g, '')).toContain('余杭区仓前街道文一西路969号*幢*单元*室');
    expect(first).toContain('测试仓 021-******78');
    expect(first).toContain('上海市青浦区华新镇1号');
    expect(second).toContain('2/2');
    expect(second).toContain(`母单 ${parent}`);
    expect(first + second).not.toMatch(/修远|13812345678|501|021-12345678/);
  });

  it('prints the sort code of the courier, and none where it has no one code', async () => {
    const store = await seedMerchant(system);
    const { courierId } = store;
    const rows = ['330110', '330110109'].map((place) => ({ place, ...CODE }));
    const sortTable = { sortTableId: `${courierId}-1`, courierId };
    const { sortTable: made } = await system.network().createSortTable({ sortTable, rows });
    const print = async (orderRef: string, district: string) => {
      const parcel = parcelOf(store, orderRef);
      const { address, ...person } = parcel.consignee as { address: object };
      const consignee = { ...person, address: { ...address, district } };
      const number = await issue(system, store, orderRef, { consignee });
      const { files } = await render(system, store.apiKey, { items: itemsOf(number) });
      return (await textsOfPdf(pdfOf(files)))[0] ?? '';
    };
    const printed = await print('S-0', '余杭区');
    expect(printed).toContain('571-A03-08');
    expect(printed).toContain('杭州北分拨');
    expect(await print('S-1', '西湖区')).not.toContain('571');
    // What is remembered is forgotten when the table changes.
    await system.network().updateSortTable({ sortTable: { ...made, state: 2 } as never });
    let count = 2;
    await vi.waitFor(async () => {
      expect(await print(`S-${count++}`, '余杭区')).not.toContain('571');
    }, 15_000);
  });

  it('sorts by the address as it is understood, and by no place in doubt', async () => {
    const store = await seedMerchant(system);
    const { courierId } = store;
    const hub = { hubCode: 'HZ', branchCode: 'A00' };
    const rows = [
      { place: '3301', ...hub },
      { place: '330110', ...hub, branchCode: 'A03' },
      { place: '330110010', ...hub, branchCode: 'A03', routeCode: '09' },
      { place: '330109', ...hub, branchCode: 'B01' },
    ];
    const sortTable = { sortTableId: `${courierId}-1`, courierId };
    await system.network().createSortTable({ sortTable, rows });
    const address = (district: string, detail: string, city = '杭州') => ({
      ...{ province: '浙江', city, district, street: '', detail },
    });
    const addresses: [object, string][] = [
      [address('余杭', '良渚街道玉鸟路1号'), 'HZ-A03-09'],
      [address('余杭区', '文一西路969号'), 'HZ-A03'],
      // 萧山 is no part of 余杭: the city is all that is sure, and its other codes differ.
      [address('余杭区', '萧山区北干街道金蓬街100号'), 'HZ'],
      [address('余杭区', '文一西路969号', '南京市'), ''],
    ];
    const numbers: string[] = [];
    for (const [i, [given]] of addresses.entries()) {
      const consignee = { name: '李雷', phone: '13812345678', address: given };
      numbers.push(await issue(system, store, `U-${i}`, { consignee }));
    }
    const { files } = await render(system, store.apiKey, { items: itemsOf(...numbers) });
    const texts = await textsOfPdf(pdfOf(files));
    const codes = texts.map((text) => /HZ[-A-Z0-9]*/.exec(text)?.[0] ?? '');
    expect(codes).toEqual(addresses.map(([, printed]) => printed));
  });

  it('answers as data what stands on the label, and counts it as a print', async () => {
    const cod = { code: 'cod', attributes: { amount_fen: integer(12_850n) } };
    const parcel = { addedServices: [cod], weightG: 800, goodsDescription: '茶叶' };
    const number = await issue(system, shop, 'D-1', parcel);
    const { files } = await render(system, shop.apiKey, { items: itemsOf(number) });
    const [page = ''] = await textsOfPdf(pdfOf(files));
    const request = { requestId: randomUUID(), items: itemsOf(number), format: LabelFormat.DATA };
    const parts = [];
    for await (const { part } of system.label(shop.apiKey).renderLabels(request)) parts.push(part);
    expect(parts.map((part) => part.case)).toEqual(['outcome', 'data']);
    const data = parts[1]?.case === 'data' ? parts[1].value : undefined;
    expect(data).toMatchObject({
      ...{ waybillNumber: number, orderRef: 'D-1', weightG: 800, goodsDescription: '茶叶' },
      ...{ services: ['代收货款 ¥128.50'], parcelNo: 1, parcelCount: 1, reprintCount: 1 },
    });
    const { courierName, serviceName, consignee, sender, services } = data ?? {};
    const texts = [courierName, serviceName, ...(services ?? [])];
    for (const party of [consignee, sender]) texts.push(party?.name, party?.phone, party?.address);
    const packed = page.replace(/\s/g, '');
    for (const text of texts) expect(packed).toContain(text?.replace(/\s/g, '') || 'nothing');
    expect(verifyLabel(data?.qrText ?? '', await publicKeys())).toMatchObject({
      ...{ isValid: true, waybillNumber: number },
    });
    expect(`${consignee?.name}${consignee?.phone}`).toBe('欧阳**138******78');
    const refused = { ...request, requestId: randomUUID() };
    for (const change of [
      { size: LabelSize.LABEL_SIZE_76X130 },
      { dpi: 203 },
      { templateId: 'x' },
    ]) {
      const call = render(system, shop.apiKey, { ...refused, ...change });
      await expect(call).rejects.toMatchObject({ metadata: { problem: 'NOT_ALLOWED' } });
    }
  });

  it('counts each print, notes it with its opening, and signs it anew', async () => {
    const waybillNumber = await issue(system, shop, 'L-2');
    const before = await usageOf(system, shop);
    const nonces = new Set<string>();
    for (const count of [1, 2, 3]) {
      const { outcomes, files } = await render(system, shop.apiKey, {
        items: itemsOf(waybillNumber),
        format: LabelFormat.PNG,
      });
      const codes = await decodeCodes(await pictureOfPng(files.get(0) ?? Buffer.alloc(0)));
      expect(codes).toMatchObject({ Code128: waybillNumber });
      const verified = verifyLabel(codes['QRCode'] ?? '', await publicKeys());
      expect(verified).toMatchObject({ isValid: true, waybillNumber });
      const print = outcomes[0]?.outcome.value;
      expect(print).toMatchObject({
        printCount: count,
        ...('nonce' in verified && { nonce: verified.nonce }),
      });
      nonces.add('nonce' in verified ? verified.nonce : '');
    }
    expect(nonces.size).toBe(3);
    const fourth = await render(system, shop.apiKey, { items: itemsOf(waybillNumber) });
    expect(fourth.outcomes.map(shown)).toEqual(['LABEL_PRINTS_USED_UP']);
    expect(fourth.files.size).toBe(0);
    const log = await accesses(system, waybillNumber);
    expect(log).toHaveLength(3);
    expect(log[0]).toMatchObject({ operation: 'read', purpose: 'label_printing' });
    const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber });
    expect(waybill).toMatchObject({ printCount: 3, version: 1 });
    const after = await usageOf(system, shop);
    expect(after.printedCount - before.printedCount).toBe(3n);
    expect(after).toMatchObject(await recount(system, shop));
  });

  it('answers a repeated request with the same codes and counts nothing', async () => {
    const waybillNumber = await issue(system, shop, 'L-3');
    const request = {
      requestId: randomUUID(),
      items: itemsOf(waybillNumber),
      format: LabelFormat.PNG,
    };
    const first = await render(system, shop.apiKey, request);
    const again = await render(system, shop.apiKey, request);
    expect(again).toEqual(first);
    const other = await render(system, shop.apiKey, { ...request, format: LabelFormat.ZPL });
    expect(other.outcomes.map(shown)).toEqual(['REQUEST_ID_REUSED']);
    // Reported as printed by the printer's program: the same print.
    const notices = itemsOf(waybillNumber);
    const { requestId } = request;
    const { outcomes } = await system.account(shop.apiKey).reportPrints({ requestId, notices });
    expect(outcomes[0]?.outcome.value).toMatchObject({ printCount: 1 });
  });

  it('lets as many print as is allowed, of many at once', async () => {
    const waybillNumber = await issue(system, shop, 'L-4');
    const all = await Promise.all(
      Array.from({ length: 8 }, () =>
        render(system, shop.apiKey, { items: itemsOf(waybillNumber), format: LabelFormat.ZPL }),
      ),
    );
    const results = all.flatMap(({ outcomes }) => outcomes.map(shown));
    const printed = results.filter((each) => typeof each === 'number');
    expect(printed.toSorted()).toEqual([1, 2, 3]);
    expect(results.filter((each) => each === 'LABEL_PRINTS_USED_UP')).toHaveLength(5);
  });

  it('prints more than one block in the order of the request', async () => {
    const numbers = await draw(system, shop, parcels(shop, 'M', 250));
    const wanted = numbers.toReversed();
    const { outcomes, files } = await render(system, shop.apiKey, { items: itemsOf(...wanted) });
    expect(outcomes.map(({ waybillNumber }) => waybillNumber)).toEqual(wanted);
    const texts = await textsOfPdf(pdfOf(files));
    const spaced = wanted.map((each) => each.replace(/(.{4})(?=.)/g, '$1 '));
    expect(texts.map((text, i) => text.includes(spaced[i] ?? '-'))).toEqual(wanted.map(() => true));
  });

  it('answers each item by itself: foreign, cancelled, erased', async () => {
    const numbers = await draw(system, shop, parcels(shop, 'N', 3));
    const [good = '', cancelled = '', erased = ''] = numbers;
    await system.waybill(shop.apiKey).cancelWaybill({ waybillNumber: cancelled });
    const full = await keyOf(system, 'merchant', shop.merchantId);
    const erasure = { waybillNumber: erased, confirm: erased, reason: 'gone' };
    await system.vault(full).eraseConsignee(erasure);
    const other = await seedMerchant(system);
    const foreign = await issue(system, other, 'F-1');
    const items = itemsOf(foreign, cancelled, good, erased, 'Q99999999999');
    const { outcomes, files } = await render(system, shop.apiKey, { items });
    expect(outcomes.map(shown)).toEqual([
      'WAYBILL_NOT_FOUND',
      'STATE_NOT_ALLOWED',
      1,
      'CONSIGNEE_ERASED',
      'WAYBILL_NOT_FOUND',
    ]);
    expect(await textsOfPdf(pdfOf(files))).toHaveLength(1);
    expect(await accesses(system, foreign)).toEqual([]);
    expect(await accesses(system, cancelled)).toEqual([]);
  });

  it('draws the merchant’s own area by a template, or says what is wrong with it', async () => {
    const label = system.label(shop.apiKey);
    await label.createLabelTemplate({ template: templateOf('shelves') });
    const withTexts = (customTexts: Record<string, string>, change = {}) =>
      render(system, shop.apiKey, {
        items: [{ waybillNumber: number, customTexts }],
        templateId: 'shelves',
        ...change,
      });
    const { files } = await withTexts({ shelf: 'B-07-3' });
    expect((await textsOfPdf(pdfOf(files)))[0]).toContain('货架 B-07-3');
    const problems: [Record<string, string>, object, string][] = [
      [{}, {}, 'items[0].custom_texts.shelf REQUIRED'],
      [{ shelf: '很长'.repeat(20) }, {}, 'items[0].custom_texts.shelf DOES_NOT_FIT'],
      [{ shelf: 'x'.repeat(201) }, {}, 'items[0].custom_texts.shelf TOO_LONG'],
      [{ shelf: 'a', other: 'b' }, {}, 'items[0].custom_texts NO_SUCH_FIELD'],
      [{ shelf: 'a' }, { templateId: '' }, 'items[0].custom_texts NOT_ALLOWED'],
    ];
    for (const [texts, change, problem] of problems) {
      const { outcomes } = await withTexts(texts, change);
      expect(outcomes.map(shown)).toEqual([problem]);
    }
    await expect(withTexts({}, { templateId: 'unknown' })).rejects.toMatchObject({
      reason: 'LABEL_TEMPLATE_NOT_FOUND',
    });
    const size = LabelSize.LABEL_SIZE_100X180;
    await expect(withTexts({}, { size })).rejects.toMatchObject({ field: 'size' });
  });

  it('refuses what is no order for printing', async () => {
    const items = itemsOf(number);
    const faults: [object, string][] = [
      [{ requestId: 'x', items }, 'request_id'],
      [{ items: [] }, 'items'],
      [{ items: Array(1_001).fill(items[0]), format: LabelFormat.ZPL }, 'items'],
      [{ items: [...items, ...items] }, 'items[1].waybill_number'],
      [{ items: itemsOf('a') }, 'items[0].waybill_number'],
      [{ items, format: 9 }, 'format'],
      [{ items, size: 9 }, 'size'],
      [{ items, dpi: 300 }, 'dpi'],
      [{ items, dpi: 600, format: LabelFormat.PNG }, 'dpi'],
      [{ items, reason: 'x'.repeat(201) }, 'reason'],
    ];
    for (const [request, field] of faults) {
      await expect(render(system, shop.apiKey, request), field).rejects.toMatchObject({ field });
    }
    const asOperator = render(system, system.operatorKey, { items });
    await expect(asOperator).rejects.toMatchObject({ field: 'reason' });
    const courier = await keyOf(system, 'courier', shop.courierId);
    await expect(render(system, courier, { items })).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
    });
  });

  it('refuses a number whose bars would be too thin, and prints it on larger paper', async () => {
    const other = await seedMerchant(system);
    const { rangeId, courierId, merchantId } = other;
    await system.network().createNumberRange({
      numberRange: { ...WIDE, rangeId: `${rangeId}-wide`, courierId, merchantId },
    });
    const wide = await vi.waitFor(async () => {
      const drawn = await issue(system, other, `W-${randomUUID()}`);
      expect(drawn).toMatch(/^ABCDEFGH/);
      return drawn;
    }, 10_000);
    const items = itemsOf(wide);
    const small = await render(system, other.apiKey, { items });
    expect(small.outcomes.map(shown)).toEqual(['LABEL_NUMBER_TOO_LONG']);
    const size = LabelSize.LABEL_SIZE_100X180;
    expect((await render(system, other.apiKey, { items, size })).outcomes.map(shown)).toEqual([1]);
  });
});

const integer = (value: bigint) => ({ value: { case: 'integer' as const, value } });
const WIDE = {
  prefix: 'ABCDEFGH',
  suffix: 'WXYZ',
  serialWidth: 15,
  firstSerial: 1n,
  lastSerial: 900n,
  checkDigitScheme: NumberRange_CheckDigitScheme.ISO7064_MOD11_10,
};
const COD = [
  {
    code: 'cod',
    displayName: '代收货款',
    attributes: [{ name: 'amount_fen', type: AddedServiceAttribute_Type.INTEGER, required: true }],
  },
];

function pdfOf(files: ReadonlyMap<number, Buffer>): Buffer {
  return files.get(0) ?? Buffer.alloc(0);
}

async function publicKeys(): Promise<LabelKeys> {
  const { keys } = await system.label(shop.apiKey).getLabelKeys({});
  return new LabelKeys(
    keys.map(({ keyId, publicKey }) => ({
      kty: 'OKP' as const,
      crv: 'Ed25519' as const,
      use: 'sig' as const,
      kid: keyId,
      x: Buffer.from(publicKey).toString('base64url'),
    })),
  );
}
