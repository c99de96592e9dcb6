import { strict as assert } from 'node:assert';
import { CsvError, parse } from 'csv-parse/sync';
import type { RpcError } from '#libs/errors';
import type { Line } from './lines.ts';
import { type FileProblem, fileProblem, placeOf } from './problems.ts';

/**
 * Records of a CSV file, header first, in portions. A record that is broken is reported with the
 * line it begins on, and reading goes on with the very next line: a parser fed with the whole file
 * would take everything up to the next quote for one cell. So quotes are counted here, to find
 * where records end, and csv-parse reads cells from a few hundred records at a time.
 */
export async function* readCsv(source: AsyncIterable<Line[]>): AsyncGenerator<CsvRecord[]> {
  const reader = new CsvReader();
  for await (const lines of source) {
    const records = reader.push(lines);
    if (records.length > 0) yield records;
  }
  const records = reader.end();
  if (records.length > 0) yield records;
}

class CsvReader {
  #lines: Line[] = [];
  #delimiter: string | undefined;
  #headerCells: number | undefined;

  push(lines: Line[]): CsvRecord[] {
    // Not push(...lines): a portion may have more lines than a call may have arguments.
    this.#lines = this.#lines.concat(lines);
    return this.#read(false);
  }

  end(): CsvRecord[] {
    return this.#read(true);
  }

  #read(isEnd: boolean): CsvRecord[] {
    const records: CsvRecord[] = [];
    let from = 0;
    for (;;) {
      const { frames, broken, next } = this.#frame(from, isEnd);
      // The header is read alone: the others are measured by it.
      const block = this.#headerCells === undefined ? frames.slice(0, 1) : frames;
      const resumed = this.#parse(block, records);
      if (resumed !== undefined) from = resumed;
      else if (block.length < frames.length) from = block.at(-1)?.next ?? next;
      else {
        if (broken !== undefined) records.push(broken);
        if (next === from) break;
        from = next;
      }
    }
    this.#lines = this.#lines.slice(from);
    return records;
  }

  /** Up to a block of whole records from line index `from` on, by counting quotes. */
  #frame(from: number, isEnd: boolean): Framed {
    const frames: Frame[] = [];
    let start = from;
    while (frames.length < BLOCK_RECORDS && start < this.#lines.length) {
      const first = this.#lines[start] as Line;
      if (first.flaw === undefined && first.text.trim() === '') {
        start += 1;
        continue;
      }
      if (this.#delimiter === undefined) {
        const declared = /^sep=(.)$/i.exec(first.text.trim());
        this.#delimiter = declared?.[1] ?? guessDelimiter(first.text);
        if (declared !== null) {
          start += 1;
          continue;
        }
      }
      const end = this.#endOfRecord(start);
      if (end === undefined) {
        const isHopeless = isEnd || this.#lines.length - start >= RECORD_LINES_MAX;
        if (!isHopeless) break;
        return { frames, broken: brokenAt(first, 'QUOTE_OPEN'), next: start + 1 };
      }
      const flawed = this.#lines.slice(start, end).find((line) => line.flaw !== undefined);
      if (flawed !== undefined) return { frames, broken: flawOf(flawed), next: end };
      frames.push({ start, next: end });
      start = end;
    }
    return { frames, broken: undefined, next: start };
  }

  /** Index after the last line of the record that begins at `start`; undefined if it has no end. */
  #endOfRecord(start: number): number | undefined {
    let isOpen = false;
    const limit = Math.min(this.#lines.length, start + RECORD_LINES_MAX);
    for (let i = start; i < limit; i++) {
      const { text, flaw } = this.#lines[i] as Line;
      for (let at = text.indexOf('"'); at !== -1; at = text.indexOf('"', at + 1)) isOpen = !isOpen;
      if (!isOpen || flaw?.name === 'LINE_TOO_LONG') return i + 1;
    }
    return undefined;
  }

  /** Appends the records of whole frames; answers where to resume if one turns out broken. */
  #parse(frames: Frame[], records: CsvRecord[]): number | undefined {
    if (frames.length === 0) return undefined;
    const text = frames.map((frame) => this.#textOf(frame)).join('\n');
    let parsed: string[][];
    try {
      parsed = parse(text, this.#parserOptions());
    } catch (error) {
      const brokenIndex = error instanceof CsvError ? Number(error['records']) : Number.NaN;
      const brokenFrame = frames[brokenIndex];
      if (brokenFrame === undefined) throw error;
      const resumed = this.#parse(frames.slice(0, brokenIndex), records);
      if (resumed !== undefined) return resumed;
      const isOpen = (error as CsvError).code === 'CSV_QUOTE_NOT_CLOSED';
      const first = this.#lines[brokenFrame.start] as Line;
      records.push(brokenAt(first, isOpen ? 'QUOTE_OPEN' : 'QUOTE_STRAY'));
      return brokenFrame.start + 1;
    }
    assert.equal(parsed.length, frames.length, 'quotes count differently here and in csv-parse');
    for (const [i, frame] of frames.entries()) {
      const first = this.#lines[frame.start] as Line;
      const last = this.#lines[frame.next - 1] as Line;
      const cells = parsed[i] as string[];
      if (cells.every((cell) => cell.trim() === '')) continue;
      if (this.#swallowsRows(frame)) {
        records.push(brokenAt(first, 'QUOTE_OPEN'));
        return frame.start + 1;
      }
      const record = this.#judge(cells, first, last);
      records.push(record);
      if ('error' in record && first !== last) return frame.start + 1;
    }
    return undefined;
  }

  /**
   * Whether a quoted cell that runs over lines holds lines with as many separators as a row: then
   * its opening quote is a lost one, and the rows after it must not vanish in it.
   */
  #swallowsRows({ start, next }: Frame): boolean {
    const separators = (this.#headerCells ?? Number.POSITIVE_INFINITY) - 1;
    return this.#lines.slice(start + 1, next).some(({ text }, i) => {
      const parts = text.split(this.#delimiter as string);
      // The last line of a row whose first cell runs over lines has all separators, rightly.
      const endsFirstCell = start + 2 + i === next && (parts[0] as string).includes('"');
      return parts.length > separators && !endsFirstCell;
    });
  }

  #judge(cells: string[], first: Line, last: Line): CsvRecord {
    this.#headerCells ??= cells.length;
    const expected = this.#headerCells;
    const given = cells.findLastIndex((cell) => cell !== '') + 1;
    const isShort = cells.length < expected;
    if (isShort && !last.hasEnd) return brokenAt(first, 'CUT_OFF');
    // Spreadsheets leave out empty cells at the end of a row, or write too many of them.
    if (given > expected || (isShort && first !== last)) {
      return brokenAt(first, 'CELL_COUNT', { given: cells.length, expected });
    }
    return { line: first.line, cells };
  }

  #textOf({ start, next }: Frame): string {
    const lines = this.#lines.slice(start, next);
    const text = lines.length === 1 ? (lines[0] as Line).text : lines.map(textOf).join('\n');
    if (!text.includes('="')) return text;
    // `="00123"` is how exports keep a spreadsheet from reading a number.
    const delimiter = this.#delimiter as string;
    const cell = new RegExp(`(^|[\\${delimiter}])="([^"]*)"(?=[\\${delimiter}]|$)`, 'g');
    return text.replace(cell, '$1"$2"');
  }

  #parserOptions() {
    const delimiter = this.#delimiter as string;
    // Trimming lets `"a", "b"` pass.
    return { delimiter, trim: true, record_delimiter: '\n', relax_column_count: true } as const;
  }
}

function guessDelimiter(header: string): string {
  const bare = header.replace(/"[^"]*"/g, '');
  const counts = DELIMITERS.map((delimiter) => bare.split(delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] as string;
}

function flawOf({ line, flaw }: Line): CsvRecord {
  const { name = 'BYTES_INVALID', ...parameters } = flaw ?? {};
  return { line, error: fileProblem(name, placeOf('row'), parameters) };
}

function brokenAt({ line }: Line, name: FileProblem, parameters = {}): CsvRecord {
  return { line, error: fileProblem(name, placeOf('row'), parameters) };
}

function textOf({ text }: Line): string {
  return text;
}

const DELIMITERS = [',', ';', '\t'];
/** One call of csv-parse costs as much as eight records, so it gets many. */
const BLOCK_RECORDS = 256;
/** A cell with more lines than this is a quote that was never closed. */
const RECORD_LINES_MAX = 50;

export type CsvRecord =
  | { line: number; cells: string[] }
  /** `line` is where the record begins. */
  | { line: number; error: RpcError };

type Frame = {
  /** Index of the first line. */
  start: number;
  /** Index after the last line. */
  next: number;
};

type Framed = { frames: Frame[]; broken: CsvRecord | undefined; next: number };
