import { type FileHandle, open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parse } from 'csv-parse';

/**
 * What a client was told, line by line: a result file of `queqiao issue`, or any CSV or JSON lines
 * with order_ref, parcel_no (1 if left out) and waybill_number. Lines without a number are skipped.
 */
export async function* readClientLog(file: string): AsyncGenerator<ClientLogEntry> {
  // Opened here: a stream that cannot open its file fails where nobody waits.
  await using handle = await open(file);
  const isJson = /\.(jsonl|ndjson|log)$/i.test(file);
  const records = isJson ? readJsonLines(handle, file) : readCsv(handle);
  for await (const { line, record } of records) {
    const orderRef = cell(record, 'order_ref', line, file);
    const number = cell(record, 'waybill_number', line, file);
    if (number === '') continue;
    const parcelNo = Number(record['parcel_no'] || 1);
    yield { line, orderRef: unescaped(orderRef), parcelNo, number };
  }
}

async function* readCsv(handle: FileHandle): AsyncGenerator<LogRecord> {
  const rows = handle
    .createReadStream({ autoClose: false })
    .pipe(parse({ columns: true, bom: true, info: true }));
  for await (const { record, info } of rows) yield { line: info.lines, record };
}

async function* readJsonLines(handle: FileHandle, file: string): AsyncGenerator<LogRecord> {
  let line = 0;
  for await (const text of createInterface({
    input: handle.createReadStream({ autoClose: false }),
  })) {
    line += 1;
    if (text.trim() === '') continue;
    let record: unknown;
    try {
      record = JSON.parse(text);
    } catch {
      throw new Error(`${file}, line ${line}: it is not JSON.`);
    }
    yield { line, record: record as Record<string, unknown> };
  }
}

function cell(record: Record<string, unknown>, name: string, line: number, file: string): string {
  const value = record[name];
  if (typeof value === 'string') return value;
  throw new Error(`${file}, line ${line}: there is no ${name}.`);
}

/** Result files protect spreadsheets from texts that look like formulas. */
function unescaped(text: string): string {
  return text.replace(/^'(?=[=+\-@])/, '');
}

type LogRecord = { line: number; record: Record<string, unknown> };

export type ClientLogEntry = { line: number; orderRef: string; parcelNo: number; number: string };
