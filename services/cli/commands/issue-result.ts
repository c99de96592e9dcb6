import { type FileHandle, open, rename } from 'node:fs/promises';
import { stringify } from 'csv-stringify/sync';
import type { RowResult } from './issue-send.ts';

/**
 * The result file, in line order. It grows under the name `<path>.part` and gets its own name when
 * it is whole: a file without `.part` always tells of every row.
 */
export async function openResultFile(path: string): Promise<ResultFile> {
  const partPath = `${path}.part`;
  const file = await open(partPath, 'w');
  await appendRows(file, [COLUMNS], { bom: true });
  let isOpen = true;
  const close = async () => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  return {
    partPath,
    append: (rows) => appendRows(file, rows.map(toCells)),
    async finish() {
      await file.sync();
      await close();
      await rename(partPath, path);
    },
    [Symbol.asyncDispose]: close,
  };
}

function toCells(row: RowResult): string[] {
  const { errors } = row;
  const each = (read: (error: RowResult['errors'][number]) => string, separator: string) =>
    errors.map(read).filter(Boolean).join(separator);
  return [
    String(row.line),
    row.orderRef,
    row.parcelNo,
    row.status,
    row.waybillNumber,
    errors[0]?.code ?? '',
    errors[0]?.reason ?? '',
    each((error) => error.field, ' '),
    each((error) => error.text_zh, ';'),
    each((error) => error.text_en, '; '),
  ];
}

async function appendRows(
  file: FileHandle,
  rows: readonly (readonly string[])[],
  { bom = false } = {},
): Promise<void> {
  // An order number such as "=1+1" comes from outside and must stay text in a spreadsheet.
  const text = stringify(rows as string[][], { bom, escape_formulas: true });
  await file.appendFile(text);
}

const COLUMNS = [
  ...['line', 'order_ref', 'parcel_no', 'status', 'waybill_number'],
  ...['code', 'reason', 'field', 'text_zh', 'text_en'],
];

export type ResultFile = AsyncDisposable & {
  /** Where it is until it is whole. */
  partPath: string;
  append(rows: readonly RowResult[]): Promise<void>;
  /** Whole: gives it its name. */
  finish(): Promise<void>;
};
