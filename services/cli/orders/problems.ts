import { RpcError } from '#libs/errors';

/** One thing wrong with an order file or one of its rows, told by what the user calls the place. */
export function fileProblem(
  name: FileProblem,
  place: Place,
  parameters: Record<string, string | number> = {},
): RpcError {
  const metadata: Record<string, string> = { problem: name };
  for (const [key, value] of Object.entries(parameters)) metadata[key] = String(value);
  const { en, zh } = FILE_PROBLEMS[name];
  // Between a Latin word and Chinese text stands a space.
  const gap = /[a-z0-9]$/i.test(place.label) ? ' ' : '';
  return new RpcError('FIELD_INVALID', {
    field: place.field,
    metadata,
    // The reader sees the heading of their own file; programs see the field of the contract.
    texts: {
      field: place.label,
      problem_en: fill(en, metadata),
      problem_zh: gap + fill(zh, metadata),
    },
  });
}

/** A place that is no single cell: a line of the file, its header, the file itself. */
export function placeOf(name: 'row' | 'header' | 'file'): Place {
  return { field: name, label: name };
}

/** What only a file can have wrong; the contents of a parcel are the server's to judge. */
const FILE_PROBLEMS = {
  REQUIRED: { en: 'is required', zh: '为必填项' },
  NOT_A_NUMBER: { en: 'must be digits, such as {example}', zh: '须为数字,例如 {example}' },
  NOT_A_TIME: {
    en: 'must be a time such as 2026-06-18 14:05',
    zh: '须为时间,例如 2026-06-18 14:05',
  },
  THOUSANDS: {
    en: 'must be written without thousand separators',
    zh: '不能带千位分隔符',
  },
  TOO_PRECISE: {
    en: 'has more than {digits} digits after the point',
    zh: '小数点后不能超过 {digits} 位',
  },
  OUT_OF_RANGE: { en: 'must be from {min} to {max}', zh: '必须在 {min} 到 {max} 之间' },
  EXCEL_NUMBER: {
    en: 'was turned into a number by a spreadsheet; format the column as text and export again',
    zh: '已被表格软件转换为数字,请将该列设为“文本”格式后重新导出',
  },
  INEXACT: {
    en: 'has more digits than a JSON number holds exactly; write it in quotes',
    zh: '位数超出 JSON 数字的精度,请加引号写成字符串',
  },
  NOT_TEXT: { en: 'must be text or a number', zh: '须为文本或数字' },
  ADDED_SERVICES: {
    en: 'must be a list such as [{"code":"cod","attributes":{"amount_fen":9900}}]',
    zh: '须为列表,例如 [{"code":"cod","attributes":{"amount_fen":9900}}]',
  },
  REPEATED: { en: 'is given twice: {first} and {second}', zh: '重复:{first} 与 {second}' },
  QUOTE_OPEN: {
    en: 'has a quote that is never closed',
    zh: '的引号没有闭合',
  },
  QUOTE_STRAY: {
    en: 'has a quote inside a cell; write such a cell in quotes and double the quotes in it',
    zh: '的单元格内有引号,请用引号包住该单元格,并将其中的引号写成两个',
  },
  CELL_COUNT: {
    en: 'has {given} cells, the header has {expected}; is a separator inside a cell?',
    zh: '有 {given} 个单元格,而表头有 {expected} 个,请检查单元格内是否含有分隔符',
  },
  CUT_OFF: {
    en: 'is the last line, has no end and too few cells: the file seems to be cut off',
    zh: '是最后一行且不完整,文件可能被截断',
  },
  LINE_TOO_LONG: { en: 'is longer than {max} bytes', zh: '超过 {max} 字节' },
  BYTES_INVALID: {
    en: 'holds bytes that are not {encoding}; is --encoding right?',
    zh: '含有不符合 {encoding} 编码的字节,请检查 --encoding',
  },
  JSON_BROKEN: { en: 'is not a JSON object', zh: '不是合法的 JSON 对象' },
  JSON_ARRAY: {
    en: 'is a JSON array; write one object a line, without brackets and commas',
    zh: '是 JSON 数组,请改为每行一个对象,不带方括号和逗号',
  },
  WORKBOOK: {
    en: 'is a spreadsheet workbook; save it as "CSV UTF-8" first',
    zh: '是表格工作簿,请先另存为“CSV UTF-8”',
  },
  UTF16: {
    en: 'is UTF-16 text; save it as "CSV UTF-8" first',
    zh: '是 UTF-16 文本,请先另存为“CSV UTF-8”',
  },
  EMPTY: { en: 'is empty', zh: '为空' },
  UNREADABLE: { en: 'cannot be read: {cause}', zh: '无法读取:{cause}' },
  IS_INPUT: { en: 'would be overwritten by its own result', zh: '会被结果文件覆盖' },
  COLUMNS_MISSING: {
    en: 'lacks {columns}',
    zh: '缺少 {columns}',
  },
} as const;

function fill(template: string, values: Record<string, string>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}

export type FileProblem = keyof typeof FILE_PROBLEMS;

export type Place = {
  /** Path in the contract, `consignee.phone`. */
  field: string;
  /** Heading in the file, `手机`. */
  label: string;
};
