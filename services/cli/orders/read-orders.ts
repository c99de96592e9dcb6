import type { RpcError } from '#libs/errors';
import type { Parcel } from '#proto/queqiao/waybill/v1/waybill';
import { type Column, cellPlace, columnOf, describeColumn, hintOf, targetOf } from './columns.ts';
import { readCsv } from './csv.ts';
import type { Encoding } from './encoding.ts';
import { type Cells, readJsonLines } from './jsonl.ts';
import { type Line, readLines } from './lines.ts';
import { cleanCode, type OrderDefaults, requiredColumns, toParcel } from './parcel.ts';
import { fileProblem, placeOf } from './problems.ts';

/**
 * Orders of a CSV or JSON lines file, one by one in file order, in memory that does not grow with
 * the file. A bad row comes with what is wrong with it and the rest goes on; a file that cannot be
 * read as orders at all (no such column, a workbook, empty) throws an RpcError.
 */
export async function* readOrders(
  source: AsyncIterable<Uint8Array>,
  options: OrderFileOptions = {},
): AsyncGenerator<OrderRow> {
  const portions = readLines(source, options);
  try {
    const { lines, opening } = await readOpening(portions);
    if (opening === '') throw fileProblem('EMPTY', placeOf('file'));
    if (opening === '[') throw fileProblem('JSON_ARRAY', placeOf('file'));
    const all = startingWith(lines, portions);
    yield* opening === '{' ? fromJsonLines(all, options) : fromCsv(all, options);
  } finally {
    await portions.return(undefined);
  }
}

/** The first character that is no blank tells CSV from JSON; none means an empty file. */
async function readOpening(
  portions: AsyncGenerator<Line[]>,
): Promise<{ lines: Line[]; opening: string }> {
  let lines: Line[] = [];
  for (let next = await portions.next(); !next.done; next = await portions.next()) {
    lines = lines.concat(next.value);
    const opening = next.value.find((line) => line.flaw || line.text.trim() !== '');
    if (opening !== undefined) return { lines, opening: opening.text.trim().charAt(0) || '?' };
  }
  return { lines, opening: '' };
}

async function* fromCsv(
  source: AsyncIterable<Line[]>,
  options: OrderFileOptions,
): AsyncGenerator<OrderRow> {
  let header: Header | undefined;
  for await (const records of readCsv(source)) {
    for (const record of records) {
      if (header === undefined) {
        if ('error' in record) throw record.error;
        header = readHeader(record.cells, options);
      } else if ('error' in record) {
        yield { line: record.line, orderRef: '', parcelNo: '', errors: [record.error] };
      } else {
        yield toOrderRow(record.line, toCells(record.cells, header), options);
      }
    }
  }
}

async function* fromJsonLines(
  source: AsyncIterable<Line[]>,
  options: OrderFileOptions,
): AsyncGenerator<OrderRow> {
  const known = new Set<string>();
  const warnOnce = (key: string) => {
    // Keys are the file's, so their number has no bound of its own.
    if (known.has(key) || known.size >= 100) return;
    known.add(key);
    warnUnknown(key, options);
  };
  for await (const records of readJsonLines(source, warnOnce)) {
    for (const record of records) {
      if ('values' in record) yield toOrderRow(record.line, record, options);
      else yield { line: record.line, orderRef: '', parcelNo: '', errors: record.errors };
    }
  }
}

function readHeader(cells: string[], options: OrderFileOptions): Header {
  const columns = cells.map((cell) => columnOf(cell));
  const headings: Partial<Record<Column, string>> = {};
  const seen = new Map<string, string>();
  for (const [i, column] of columns.entries()) {
    const heading = cells[i] ?? '';
    if (column === undefined) {
      if (heading.trim() !== '') warnUnknown(heading, options);
      continue;
    }
    const first = seen.get(targetOf(column));
    if (first !== undefined) {
      const place = cellPlace(column, describeColumn(column));
      throw fileProblem('REPEATED', place, { first, second: heading });
    }
    seen.set(targetOf(column), heading);
    headings[column] = heading;
  }
  const missing = requiredColumns(options).filter((column) => headings[column] === undefined);
  if (missing.length > 0) {
    const columns = missing.map(describeColumn).join('; ');
    throw fileProblem('COLUMNS_MISSING', placeOf('header'), { columns });
  }
  return { columns, headings };
}

function toCells(cells: string[], { columns, headings }: Header): Cells {
  const values: Partial<Record<Column, string>> = {};
  for (const [i, column] of columns.entries()) {
    if (column !== undefined) values[column] = cells[i] ?? '';
  }
  return { values, headings, errors: [] };
}

function toOrderRow(line: number, cells: Cells, options: OrderFileOptions): OrderRow {
  const orderRef = cleanCode(cells.values.order_ref ?? '');
  const parcelNo = cleanCode(cells.values.parcel_no ?? '') || '1';
  const parcel = toParcel(cells, options);
  if (Array.isArray(parcel)) {
    const known = new Set(cells.errors.map((error) => error.field));
    const errors = [...cells.errors, ...parcel.filter((error) => !known.has(error.field))];
    return { line, orderRef, parcelNo, errors };
  }
  if (cells.errors.length > 0) return { line, orderRef, parcelNo, errors: cells.errors };
  return { line, orderRef, parcelNo, parcel };
}

function warnUnknown(heading: string, { onWarning }: OrderFileOptions): void {
  const hint = hintOf(heading);
  onWarning?.(
    hint === undefined
      ? {
          textEn: `column "${heading}" is not known and not used`,
          textZh: `未识别的列“${heading}”,已忽略`,
        }
      : {
          textEn: `column "${heading}" names no unit and is not used; call it one of: ${hint}`,
          textZh: `列“${heading}”没有单位,已忽略;请改为其中之一:${hint}`,
        },
  );
}

async function* startingWith(first: Line[], rest: AsyncIterable<Line[]>): AsyncGenerator<Line[]> {
  yield first;
  yield* rest;
}

/** One order of a file: a parcel to send, or why it is none. `parcelNo` as written, 1 if empty. */
export type OrderRow = { line: number; orderRef: string; parcelNo: string } & (
  | { parcel: Parcel }
  | { errors: RpcError[] }
);

export type OrderFileOptions = OrderDefaults & {
  /** Default: found from the file. */
  encoding?: Encoding | undefined;
  /** Told once for each column that is not used. */
  onWarning?: ((warning: Warning) => void) | undefined;
};

export type Warning = { textEn: string; textZh: string };

type Header = {
  columns: (Column | undefined)[];
  headings: Partial<Record<Column, string>>;
};
