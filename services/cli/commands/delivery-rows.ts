import type { RpcError } from '#libs/errors';
import {
  type CsvRecord,
  cleanCode,
  type Encoding,
  fileProblem,
  placeOf,
  plainHeading,
  readCsv,
  readLines,
} from '../orders.ts';

/**
 * Deliveries of a CSV file, one by one in file order. A bad row comes with what is wrong with it
 * and the rest goes on; a file without its columns throws an RpcError.
 */
export async function* readDeliveries(
  source: AsyncIterable<Uint8Array>,
  options: { encoding?: Encoding | undefined },
): AsyncGenerator<DeliveryRow> {
  let header: Header | undefined;
  for await (const records of readCsv(readLines(source, options))) {
    for (const record of records) {
      if (header !== undefined) yield toRow(record, header);
      else if ('error' in record) throw record.error;
      else header = readHeader(record.cells);
    }
  }
  if (header === undefined) throw fileProblem('EMPTY', placeOf('file'));
}

function readHeader(cells: readonly string[]): Header {
  const header: Header = new Map();
  for (const [i, heading] of cells.entries()) {
    const column = COLUMN_OF_NAME.get(plainHeading(heading));
    if (column === undefined) continue;
    const first = header.get(column);
    if (first !== undefined) {
      const place = { field: column, label: column };
      throw fileProblem('REPEATED', place, { first: first.heading, second: heading });
    }
    header.set(column, { index: i, heading });
  }
  const missing = NAMES.filter((column) => !header.has(column));
  if (missing.length === 0) return header;
  const columns = missing.map((column) => `${column} (${COLUMNS[column].join(', ')})`).join('; ');
  throw fileProblem('COLUMNS_MISSING', placeOf('header'), { columns });
}

function toRow(record: CsvRecord, header: Header): DeliveryRow {
  const { line } = record;
  if ('error' in record) return { line, waybillNumber: '', error: record.error };
  const cell = (column: Column) => {
    const { index, heading } = header.get(column) ?? { index: -1, heading: column };
    return {
      text: cleanCode(record.cells[index] ?? ''),
      place: { field: column, label: heading },
    };
  };
  const waybillNumber = cell('waybill_number').text;
  try {
    const delivery = {
      latitudeDeg: degreesOf(cell('latitude')),
      longitudeDeg: degreesOf(cell('longitude')),
      time: timeOf(cell('delivery_time')),
    };
    return { line, waybillNumber, delivery };
  } catch (error) {
    return { line, waybillNumber, error: error as RpcError };
  }
}

function degreesOf({ text, place }: Cell): number {
  if (text === '') throw fileProblem('REQUIRED', place);
  if (!/^-?\d{1,3}(\.\d{1,20})?$/.test(text)) {
    throw fileProblem('NOT_A_NUMBER', place, { example: '30.2741' });
  }
  return Number(text);
}

/** Of this machine's time zone unless the cell names one. Spreadsheets write 2026/6/18 14:05. */
function timeOf({ text, place }: Cell): Date {
  if (text === '') throw fileProblem('REQUIRED', place);
  const [, year, month = '', day = '', rest = ''] = TIME.exec(text) ?? [];
  const clock = rest.trim().replace(/^T/i, '').replace(/^\d:/, '0$&').replace(/\s/g, '');
  const date = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const time = new Date(`${date}T${clock || '00:00'}`);
  // JavaScript takes the 31st of June for the 1st of July.
  const isThere = new Date(`${date}T00:00Z`).toJSON()?.startsWith(date) ?? false;
  if (year === undefined || !isThere || Number.isNaN(time.getTime())) {
    throw fileProblem('NOT_A_TIME', place);
  }
  return time;
}

const TIME = /^(\d{4})[-/](\d{1,2})[-/](\d{1,2})((?:[ T]+\d{1,2}:\d{2}.{0,20})?)$/i;

/** Each column's own name, and what else it may be called. */
const COLUMNS = {
  waybill_number: ['运单号', '面单号', '快递单号', '单号', 'waybill'],
  latitude: ['纬度', 'latitude_deg', 'lat'],
  longitude: ['经度', 'longitude_deg', 'lng', 'lon'],
  delivery_time: ['签收时间', '妥投时间', '送达时间', 'delivered_at'],
} as const;

type Column = keyof typeof COLUMNS;
const NAMES = Object.keys(COLUMNS) as Column[];
const COLUMN_OF_NAME = new Map(
  NAMES.flatMap((column) =>
    [column, ...COLUMNS[column]].map((name): [string, Column] => [plainHeading(name), column]),
  ),
);

type Header = Map<Column, { index: number; heading: string }>;
type Cell = { text: string; place: { field: string; label: string } };

/** One delivery of a file, or why it is none. The point in the file's datum. */
export type DeliveryRow = { line: number; waybillNumber: string } & (
  | { delivery: { latitudeDeg: number; longitudeDeg: number; time: Date } }
  | { error: RpcError }
);
