import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { invalid } from '#libs/errors';
import {
  type SortRow,
  type SortTable,
  SortTableSchema,
} from '#proto/queqiao/network/v1/sort_table';
import { mustBeCell, SEGMENT } from './area.ts';
import { isDivisionCode } from './division.ts';
import { courierText, match, present, slug } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';
import type { Viewer } from './viewer.ts';

/** What a caller says of a sort table, valid and named as the columns are. */
export type SortTableDraft = {
  sort_table_id: string;
  courier_id: string;
  state: State;
  row_count: number;
  rows_hash: Buffer;
};
export type SortTableRow = SortTableDraft & Versioned;

/** The code of one place. */
export type CodeRow = {
  place: string;
  hub_code: string;
  branch_code: string;
  route_code: string;
  bag_destination: string;
};

export function parseNewSortTable(
  table: SortTable | undefined,
  rows: readonly SortRow[],
  viewer: Viewer,
): { draft: SortTableDraft; rows: CodeRow[] } {
  const given = present('sort_table', table);
  const ids = parseIds(given, viewer);
  const codes = parseRows(rows);
  const rows_hash = createHash('sha256').update(JSON.stringify(codes)).digest();
  const row_count = codes.length;
  const draft = { ...ids, state: newState('sort_table.state', given.state), row_count, rows_hash };
  return { draft, rows: codes };
}

/** What an update may say: the state. */
export function parseSortTable(
  table: SortTable | undefined,
  viewer: Viewer,
): Pick<SortTableDraft, 'sort_table_id' | 'courier_id' | 'state'> {
  const given = present('sort_table', table);
  return { ...parseIds(given, viewer), state: state('sort_table.state', given.state) };
}

function parseIds({ sortTableId, courierId }: SortTable, viewer: Viewer) {
  const sort_table_id = slug('sort_table.sort_table_id', sortTableId);
  const ownId = viewer.kind === 'courier' && courierId === '' ? viewer.id : courierId;
  return { sort_table_id, courier_id: slug('sort_table.courier_id', ownId) };
}

/** In order of place, whatever the order of the upload. */
function parseRows(rows: readonly SortRow[]): CodeRow[] {
  if (rows.length === 0 || rows.length > ROWS_MAX) {
    throw invalid('rows', 'LIST_SIZE', { min: 1, max: ROWS_MAX });
  }
  const places = new Set<string>();
  const codes = rows.map((row, i) => {
    const code = parseRow(`rows[${i}]`, row);
    if (places.has(code.place)) throw invalid(`rows[${i}].place`, 'REPEATED');
    places.add(code.place);
    return code;
  });
  return codes.sort((a, b) => (a.place < b.place ? -1 : 1));
}

function parseRow(field: string, row: SortRow): CodeRow {
  const { place, hubCode, branchCode, routeCode, bagDestination } = row;
  if (place.length > 9) mustBeCell(`${field}.place`, place);
  else if (!isDivisionCode(place)) throw invalid(`${field}.place`, 'DIVISION_CODE');
  match(`${field}.hub_code`, hubCode, SEGMENT, 'SORT_SEGMENT');
  if (branchCode !== '') match(`${field}.branch_code`, branchCode, SEGMENT, 'SORT_SEGMENT');
  if (routeCode !== '') {
    match(`${field}.route_code`, routeCode, SEGMENT, 'SORT_SEGMENT');
    if (branchCode === '') throw invalid(`${field}.branch_code`, 'REQUIRED');
  }
  const bag_destination = courierText(`${field}.bag_destination`, bagDestination, 0, 20);
  const codes = { hub_code: hubCode, branch_code: branchCode, route_code: routeCode };
  return { place, ...codes, bag_destination };
}

export function sortTableToMessage(row: SortTableRow): SortTable {
  return create(SortTableSchema, {
    sortTableId: row.sort_table_id,
    courierId: row.courier_id,
    state: STATES[row.state],
    rowCount: row.row_count,
    ...history(row.sort_table_id, row),
  });
}

const ROWS_MAX = 50_000;
