import { fromJson } from '@bufbuild/protobuf';
import type { RpcError } from '#libs/errors';
import { type AddedService, AddedServiceSchema } from '#proto/queqiao/waybill/v1/waybill';
import { type Column, cellPlace, columnOf, targetOf } from './columns.ts';
import type { Line } from './lines.ts';
import { fileProblem, placeOf } from './problems.ts';

/**
 * One order a line: a Parcel in proto JSON, its snake_case form, or a flat object with the same
 * headings as a CSV file. A broken line is reported, the next one read.
 */
export async function* readJsonLines(
  source: AsyncIterable<Line[]>,
  onUnknown: (key: string) => void,
): AsyncGenerator<JsonRecord[]> {
  for await (const lines of source) {
    const records = lines.flatMap((line) => readLine(line, onUnknown));
    if (records.length > 0) yield records;
  }
}

function readLine({ line, text, flaw }: Line, onUnknown: (key: string) => void): JsonRecord[] {
  if (flaw !== undefined) {
    const { name, ...parameters } = flaw;
    return [{ line, errors: [fileProblem(name, placeOf('row'), parameters)] }];
  }
  if (text.trim() === '') return [];
  const object = parseObject(text);
  if (object === undefined) return [{ line, errors: [fileProblem('JSON_BROKEN', placeOf('row'))] }];
  const cells: Cells = { values: {}, headings: {}, errors: [] };
  collect(object, cells, onUnknown);
  return [{ line, ...cells }];
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Consignee and address may be nested as in the contract or lie flat: the keys are the same. */
function collect(object: object, cells: Cells, onUnknown: (key: string) => void): void {
  for (const [key, value] of Object.entries(object)) {
    if (value === null || value === undefined) continue;
    if (isObject(value) && NESTED.has(key)) {
      collect(value, cells, onUnknown);
      continue;
    }
    if (ADDED_SERVICES.has(key)) {
      collectAddedServices(key, value, cells);
      continue;
    }
    const column = columnOf(key);
    if (column === undefined) {
      onUnknown(key);
      continue;
    }
    const place = cellPlace(column, key);
    const first = headingOfTarget(cells, column);
    if (first !== undefined) {
      cells.errors.push(fileProblem('REPEATED', place, { first, second: key }));
      continue;
    }
    cells.headings[column] = key;
    const text = toText(value, column);
    if (typeof text === 'string') cells.values[column] = text;
    else cells.errors.push(fileProblem(text.problem, place));
  }
}

/** As in the contract; a whole number stands for `{"integer": …}`. */
function collectAddedServices(key: string, value: unknown, cells: Cells): void {
  try {
    if (!Array.isArray(value)) throw new TypeError('no list');
    cells.addedServices = value.map((service) => toAddedService(service));
  } catch {
    cells.errors.push(fileProblem('ADDED_SERVICES', { field: 'added_services', label: key }));
  }
}

function toAddedService(service: unknown): AddedService {
  if (!isObject(service)) throw new TypeError('no object');
  const { attributes = {}, ...rest } = service as { attributes?: unknown };
  if (!isObject(attributes)) throw new TypeError('no object');
  const values = Object.entries(attributes).map(([name, value]) => [
    name,
    Number.isSafeInteger(value) ? { integer: String(value) } : value,
  ]);
  return fromJson(AddedServiceSchema, { ...rest, attributes: Object.fromEntries(values) });
}

function headingOfTarget({ headings }: Cells, column: Column): string | undefined {
  const before = (Object.keys(headings) as Column[]).find((k) => targetOf(k) === targetOf(column));
  return before && headings[before];
}

function toText(value: unknown, column: Column): string | { problem: 'NOT_TEXT' | 'INEXACT' } {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') {
    const text = String(value);
    // Up to 15 digits survive the way through a double; a longer one may be another number.
    return text.replace(/\D/g, '').length > 15 ? { problem: 'INEXACT' } : text;
  }
  if (column === 'merged_order_refs' && Array.isArray(value)) {
    const refs = value.map((ref) => (typeof ref === 'number' ? toText(ref, 'order_ref') : ref));
    if (refs.every((ref) => typeof ref === 'string')) return refs.join(' ');
  }
  return { problem: 'NOT_TEXT' };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const ADDED_SERVICES = new Set(['added_services', 'addedServices']);
const NESTED = new Set(['consignee', 'address']);

export type Cells = {
  values: Partial<Record<Column, string>>;
  /** How the file calls each column it has. */
  headings: Partial<Record<Column, string>>;
  errors: RpcError[];
  addedServices?: AddedService[];
};

export type JsonRecord = { line: number } & (Cells | { errors: RpcError[] });
