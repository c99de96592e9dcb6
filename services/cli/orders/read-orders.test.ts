import { toJson } from '@bufbuild/protobuf';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import { type OrderFileOptions, type OrderRow, readOrders } from './read-orders.ts';

const CHINESE_HEADER =
  '订单号,收件人,手机,省,市,区县,街道,详细地址,重量(千克),快递公司,发货仓,备注';
const CHINESE_ROW =
  'SO-1,张三,13800001234,浙江省,杭州市,西湖区,文新街道,文三路12号,1.25,lingque,hangzhou,';
const ENGLISH_HEADER = 'order_ref,name,phone,province,detail,courier_id,node_id';

async function read(file: string | Uint8Array, options: OrderFileOptions & { cut?: number } = {}) {
  const bytes = Buffer.from(file as string);
  const cut = options.cut ?? bytes.length;
  async function* chunks() {
    for (let i = 0; i < bytes.length; i += cut) yield bytes.subarray(i, i + cut);
  }
  const rows: OrderRow[] = [];
  for await (const row of readOrders(chunks(), options)) rows.push(row);
  return rows;
}

/** What matters of rows: `line order_ref` of good ones, `line !field problem` of bad ones. */
async function told(file: string | Uint8Array, options: OrderFileOptions & { cut?: number } = {}) {
  const rows = await read(file, options);
  return rows.map((row) => {
    if ('parcel' in row) return `${row.line} ${row.parcel.orderRef}`;
    const errors = row.errors.map((error) => `${error.field} ${error.metadata['problem']}`);
    return `${row.line} !${errors.join(', ')}`;
  });
}

function english(...rows: string[]): string {
  return [ENGLISH_HEADER, ...rows, ''].join('\n');
}

const good = (ref: string) => `${ref},Li,13800001234,浙江省,文三路1号,lingque,hangzhou`;

/** Text as GB18030 bytes, by turning the decoder's two-byte plane around. */
function gb18030(text: string): Uint8Array {
  const decoder = new TextDecoder('gb18030');
  const bytesOf = new Map<string, [number, number]>();
  for (let high = 0x81; high <= 0xfe; high++) {
    for (let low = 0x40; low <= 0xfe; low++) {
      bytesOf.set(decoder.decode(Uint8Array.of(high, low)), [high, low]);
    }
  }
  return Uint8Array.from(
    [...text].flatMap((c) => (c < '\x80' ? [c.charCodeAt(0)] : (bytesOf.get(c) ?? [0x3f]))),
  );
}

describe('order file, CSV', () => {
  it('reads a Chinese header with every column', async () => {
    const more = '包裹总数,前置网点,代收货款(元),保价(元)';
    const header = `${CHINESE_HEADER},包裹序号,产品,体积ml,货值(元),品名,合并订单号,${more}`;
    const row = `${CHINESE_ROW}放门口,2,standard,3000,19.9,茶叶,SO-2、SO-3,5,hangzhou-2,99.5,1000`;
    const [only] = await read(`${header}\r\n${row}\r\n`);
    if (only === undefined || !('parcel' in only)) throw new Error('no parcel');
    expect(toJson(ParcelSchema, only.parcel)).toEqual({
      orderRef: 'SO-1',
      parcelNo: 2,
      courierId: 'lingque',
      serviceCode: 'standard',
      nodeId: 'hangzhou',
      consignee: {
        name: '张三',
        phone: '13800001234',
        address: {
          province: '浙江省',
          city: '杭州市',
          district: '西湖区',
          street: '文新街道',
          detail: '文三路12号',
        },
      },
      weightG: 1250,
      volumeMl: 3000,
      goodsValueFen: '1990',
      goodsDescription: '茶叶',
      remark: '放门口',
      mergedOrderRefs: ['SO-2', 'SO-3'],
      parcelCount: 5,
      holdNodeId: 'hangzhou-2',
      addedServices: [
        { code: 'cod', attributes: { amount_fen: { integer: '9950' } } },
        { code: 'insured', attributes: { value_fen: { integer: '100000' } } },
      ],
    });
    expect(only.line).toBe(2);
  });

  it('reads the same file in GB18030, cut into pieces anywhere', async () => {
    const text = `${CHINESE_HEADER}\n${CHINESE_ROW}\n${CHINESE_ROW.replace('SO-1', 'SO-2')}\n`;
    const expected = await read(text);
    expect(await read(gb18030(text), { cut: 7 })).toEqual(expected);
    expect(await read(Buffer.concat([Buffer.from('\ufeff'), Buffer.from(text)]))).toEqual(expected);
  });

  it('finds comma, semicolon, tab and a declared separator', async () => {
    for (const separator of [',', ';', '\t']) {
      expect(await told(english(good('A')).replaceAll(',', separator))).toEqual(['2 A']);
    }
    expect(await told(`sep=|\n${english(good('A')).replaceAll(',', '|')}`)).toEqual(['3 A']);
  });

  it('takes bare carriage returns for line ends where there is no other', async () => {
    expect(await told(english(good('A'), good('B')).replaceAll('\n', '\r'))).toEqual([
      '2 A',
      '3 B',
    ]);
  });

  it('skips blank lines and the rows of empty cells that spreadsheets leave', async () => {
    const file = `\n${english(good('A'), '', ',,,,,,', `${good('B')},,,`, '  ')}`;
    expect(await told(file)).toEqual(['3 A', '6 B']);
  });

  it('lets a quoted cell run over lines and puts it on one', async () => {
    const row = 'A,Li,13800001234,浙江省,"文三路 1 号\r\n3 幢, ""东""",lingque,hangzhou';
    const [first, second] = await read(english(row, good('B')));
    if (first === undefined || !('parcel' in first)) throw new Error('no parcel');
    expect(first.parcel.consignee?.address?.detail).toBe('文三路 1 号 3 幢, "东"');
    expect(second?.line).toBe(4);
  });

  it('reports broken quoting with its line and goes on with the next line', async () => {
    const file = english(
      good('A'),
      'B,"Li,13800001234,浙江省,文三路1号,lingque,hangzhou',
      good('C'),
      'D,Li 5" x,13800001234,浙江省,文三路1号,lingque,hangzhou',
      'E,"Li" x,13800001234,浙江省,"文三路1号",lingque,hangzhou',
      good('F'),
      'G,Li,13800001234,浙江省,文三路1号,lingque,"hangzhou',
    );
    expect(await told(file)).toEqual([
      '2 A',
      '3 !row QUOTE_STRAY',
      '4 C',
      '5 !row QUOTE_STRAY',
      '6 !row QUOTE_STRAY',
      '7 F',
      '8 !row QUOTE_OPEN',
    ]);
  });

  it('loses no row after a broken one, wherever and however often quotes are lost', async () => {
    const line = fc.constantFrom('good', '"open', 'a"b', '"a"b', 'a"b"', 'a"', '""a');
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 700 }),
        fc.integer({ min: 1, max: 90 }),
        async (kinds, cut) => {
          const rows = kinds.map((kind, i) => good(`R${i}`).replace('Li', kind));
          const lines = new Set((await read(english(...rows), { cut })).map((row) => row.line));
          // A row is either read or, when broken, reported; two broken ones may share a report
          // only if they stand together as one quoted cell.
          for (const [i, kind] of kinds.entries())
            if (kind === 'good') expect(lines).toContain(i + 2);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('does what a parser of the whole file does not: that one loses rows after a quote', () => {
    const file = english(good('A'), good('B').replace('Li', '"open'), good('C'), good('D'));
    const rows = parse(file, { skip_records_with_error: true, relax_column_count: true });
    expect(rows.map(([ref]: string[]) => ref)).toEqual(['order_ref', 'A']);
  });

  it('reports rows with too many cells, and a last line that was cut off', async () => {
    const file = `${english(`${good('A')},x`, good('B'))}C,Li,1380000`;
    expect(await told(file)).toEqual(['2 !row CELL_COUNT', '3 B', '4 !row CUT_OFF']);
  });

  it('reports invalid bytes with their line', async () => {
    const bytes = Buffer.from(english(good('A'), good('B'), good('C')));
    bytes[bytes.indexOf('文', bytes.indexOf('B,Li'))] = 0xff;
    expect(await told(bytes)).toEqual(['2 A', '3 !row BYTES_INVALID', '4 C']);
  });

  it('obeys --encoding over its own guess', async () => {
    const file = gb18030(english(good('A')));
    expect(await told(file, { encoding: 'utf-8' })).toEqual(['2 !row BYTES_INVALID']);
  });

  it('names every missing column at once, with what it may be called', async () => {
    const error = await read('订单号,收件人\nA,李\n').catch((e: unknown) => e);
    expect(error).toMatchObject({ reason: 'FIELD_INVALID', field: 'header' });
    const { textEn, textZh } = error as { textEn: string; textZh: string };
    expect(textEn).toMatch(/^header lacks phone \(电话, 手机.*; province .*; node_id \(发货仓/);
    expect(textZh).toContain('缺少 phone');
  });

  it('needs no courier or node column when options name them', async () => {
    const file = 'order_ref,name,phone,province,detail\nA,Li,13800001234,浙江省,文三路1号\n';
    const options = { courierId: 'lingque', nodeId: 'hangzhou', serviceCode: 'standard' };
    const [row] = await read(file, options);
    expect(row).toMatchObject({ parcel: options });
  });

  it('knows headings in full width, capitals and with a star', async () => {
    const header = '*订单号,Name,PHONE,省,详细 地址,Courier ID,nodeId';
    expect(await told(`${header}\n${good('A')}\n`)).toEqual(['2 A']);
  });

  it('refuses the same column twice, in other words or another unit', async () => {
    for (const twice of ['手机', 'phone']) {
      const file = english(`${good('A')},1`).replace('node_id', `node_id,${twice}`);
      await expect(read(file)).rejects.toMatchObject({
        field: 'consignee.phone',
        metadata: { problem: 'REPEATED', first: 'phone', second: twice },
      });
    }
    const file = english(`${good('A')},1,1`).replace('node_id', 'node_id,重量kg,weight_g');
    await expect(read(file)).rejects.toMatchObject({ field: 'weight_g' });
  });

  it('warns once of each column it does not use', async () => {
    const warnings: string[] = [];
    const file = english(`${good('A')},1,2`, `${good('B')},1,2`).replace(
      'node_id',
      'node_id,x,重量',
    );
    await read(file, { onWarning: ({ textEn }) => warnings.push(textEn) });
    expect(warnings).toHaveLength(2);
    expect(warnings[0]).toContain('"x" is not known');
    expect(warnings[1]).toContain('weight_kg');
  });

  it('tells what a spreadsheet did to long numbers, and undoes what it can', async () => {
    const row = (ref: string, phone: string) => good(ref).replace('13800001234', phone);
    const file = english(
      row('A', '1.38E+10'),
      good('1.2E+15'),
      row('B', '13800001234.0'),
      row('C', '="13800001234"'),
      row('D', "'13800001234"),
      row('E', '13800001234\t'),
      row('F', '\u202d138 0000 1234\u202c'),
    );
    expect(await told(file)).toEqual([
      '2 !consignee.phone EXCEL_NUMBER',
      '3 !order_ref EXCEL_NUMBER',
      '4 !consignee.phone EXCEL_NUMBER',
      ...['5 C', '6 D', '7 E', '8 F'],
    ]);
    for (const parsed of (await read(file)).slice(3)) {
      expect(parsed).toMatchObject({ parcel: { consignee: { phone: '13800001234' } } });
    }
  });

  it('tells all that is wrong with a row, by the headings of the file', async () => {
    const [row] = await read(`${CHINESE_HEADER}\nSO-1,,,浙江省,,,,,1.2345,lingque,hangzhou,\n`);
    if (row === undefined || !('errors' in row)) throw new Error('no errors');
    expect(row.errors.map((error) => error.textZh)).toEqual([
      '收件人为必填项',
      '手机为必填项',
      '详细地址为必填项',
      '重量(千克)小数点后不能超过 3 位',
    ]);
    expect(row).toMatchObject({ line: 2, orderRef: 'SO-1', parcelNo: '1' });
  });

  it('refuses what is no text table, and says what to do', async () => {
    await expect(read('PK\x03\x04rest')).rejects.toMatchObject({
      metadata: { problem: 'WORKBOOK' },
    });
    await expect(read(Buffer.from('\ufeff订单号', 'utf16le'))).rejects.toMatchObject({
      metadata: { problem: 'UTF16' },
    });
    await expect(read('\n \n')).rejects.toMatchObject({ metadata: { problem: 'EMPTY' } });
    await expect(read('[{"order_ref":"A"}]')).rejects.toMatchObject({
      metadata: { problem: 'JSON_ARRAY' },
    });
  });

  it('passes over a line without end and keeps the lines after it', async () => {
    const file = english(good('A'), good('B').replace('Li', 'L'.repeat(600_000)), good('C'));
    expect(await told(file, { cut: 65_536 })).toEqual(['2 A', '3 !row LINE_TOO_LONG', '4 C']);
  });
});

describe('order file, JSON lines', () => {
  const nested = {
    orderRef: 'A',
    courierId: 'lingque',
    nodeId: 'hangzhou',
    consignee: {
      name: '张三',
      phone: '13800001234',
      address: { province: '浙江省', detail: '文三路1号' },
    },
    weightG: 500,
    goodsValueFen: '1990',
    mergedOrderRefs: ['B', 'C'],
  };

  it('reads proto JSON, snake_case and Chinese keys alike', async () => {
    const flat = {
      ...{ order_ref: 'A', courier_id: 'lingque', node_id: 'hangzhou', name: '张三' },
      ...{ phone: 13800001234, province: '浙江省', address: '文三路1号', weight_kg: 0.5 },
      ...{ goods_value_yuan: 19.9, merged_order_refs: 'B,C', remark: null },
    };
    const chinese = {
      ...{ 订单号: 'A', 快递: 'lingque', 仓库: 'hangzhou', 姓名: '张三', 手机: '13800001234' },
      ...{ 省: '浙江省', 地址: '文三路1号', '重量(克)': 500, '货值(元)': '19.90' },
      合并订单号: ['B', 'C'],
    };
    const rows = await read([nested, flat, chinese].map((row) => JSON.stringify(row)).join('\n'));
    const [first, ...others] = rows.map((row) => ('parcel' in row ? row.parcel : row));
    expect(first).toMatchObject({
      weightG: 500,
      goodsValueFen: 1990n,
      mergedOrderRefs: ['B', 'C'],
    });
    for (const other of others) expect(other).toEqual(first);
    expect(rows).toHaveLength(3);
  });

  it('reads added services as in the contract, or with plain numbers', async () => {
    const freight = { package: { choice: '托盘' }, piece_count: { integer: '3' } };
    const lists = [
      { added_services: [{ code: 'freight', attributes: { ...freight, piece_count: 3 } }] },
      { addedServices: [{ code: 'freight', attributes: freight }], '代收货款(元)': 5 },
      { added_services: { cod: 5 } },
      { added_services: [{ code: 'cod', attributes: { amount_fen: 9.5 } }] },
      { added_services: [{ code: 'cod', amount: 3 }] },
    ];
    const file = lists.map((list) => JSON.stringify({ ...nested, ...list })).join('\n');
    const rows = await read(file);
    const [first, second] = rows.map((row) =>
      'parcel' in row ? row.parcel.addedServices.map(({ code }) => code) : [],
    );
    expect(first).toEqual(['freight']);
    expect(second).toEqual(['cod', 'freight']);
    const [one, two] = rows.map((row) => ('parcel' in row ? row.parcel.addedServices : []));
    expect(one?.[0]).toEqual(two?.[1]);
    expect(await told(file)).toEqual([
      ...['1 A', '2 A'],
      ...[3, 4, 5].map((line) => `${line} !added_services ADDED_SERVICES`),
    ]);
  });

  it('reports a broken line and goes on', async () => {
    const file = [
      JSON.stringify(nested),
      '{"orderRef": "B"',
      '"text"',
      '',
      JSON.stringify(nested).replace('"A"', '12345678901234567890'),
      JSON.stringify({ ...nested, order_ref: 'twice' }),
      JSON.stringify({ ...nested, remark: true, weightG: '1,000' }),
      JSON.stringify({ ...nested, orderRef: 'C' }),
    ].join('\n');
    expect(await told(file)).toEqual([
      '1 A',
      '2 !row JSON_BROKEN',
      '3 !row JSON_BROKEN',
      '5 !order_ref INEXACT',
      '6 !order_ref REPEATED',
      '7 !remark NOT_TEXT, weight_g THOUSANDS',
      '8 C',
    ]);
  });
});
