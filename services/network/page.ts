import { cutPage as cut, pageSizeOf, readPageToken } from '#libs/page';
import type { Viewer } from './viewer.ts';

/** Which rows a list call answers: up to `size` that come after the id `after`. */
export type Page = {
  /** Empty at the start, which is before every id. */
  after: string;
  size: number;
  /** Every argument that must stay the same from page to page. */
  binding: string[];
};

/** The page that a list request asks for, or FIELD_INVALID, PAGE_TOKEN_INVALID. */
export function parsePage(request: PageRequest, { list, viewer, filters = [] }: ListOf): Page {
  const size = pageSizeOf(request.pageSize);
  const binding = [list, viewer.kind, viewer.id, ...filters];
  const [after = ''] = readPageToken(request.pageToken, binding) ?? [];
  return { after, size, binding };
}

/** How many rows to ask for: one more than the page holds tells whether there is a next page. */
export function rowLimit(page: Page): number {
  return page.size + 1;
}

/** The rows of the page out of up to rowLimit() rows, and the token of the next page. */
export function cutPage<R>(page: Page, rows: R[], idOf: (row: R) => string): Cut<R> {
  return cut(page, rows, (row) => [idOf(row)]);
}

type PageRequest = { pageSize: number; pageToken: string };
type ListOf = { list: string; viewer: Viewer; filters?: string[] };
type Cut<R> = { rows: R[]; nextPageToken: string };
