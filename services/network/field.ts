import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { invalid, type Problem, RpcError } from '#libs/errors';

// Checks of single request fields: the valid value, or FIELD_INVALID with the path of the field.

export function slug(field: string, text: string): string {
  return match(field, text, SLUG, 'SLUG');
}

/** A slug or nothing; nothing is null, as the database holds it. */
export function optionalSlug(field: string, text: string): string | null {
  return text === '' ? null : slug(field, text);
}

export function match(field: string, text: string, pattern: RegExp, problem: Problem): string {
  if (text === '') throw invalid(field, 'REQUIRED');
  if (!pattern.test(text)) throw invalid(field, problem);
  return text;
}

/** A text for people, counted in characters, not in UTF-16 units. */
export function text(field: string, value: string, min: number, max: number): string {
  if (value.length > max && [...value].length > max) throw invalid(field, 'TOO_LONG', { max });
  if (CONTROL.test(value)) throw invalid(field, 'CONTROL_CHARACTER');
  if (min > 0 && value.trim() === '') throw invalid(field, 'REQUIRED');
  return value;
}

/** A text that couriers' systems must take as well: CHARACTER_ILLEGAL if they would refuse it. */
export function courierText(field: string, value: string, min: number, max: number): string {
  const character = REFUSED.exec(value)?.[0];
  if (character !== undefined) {
    throw new RpcError('CHARACTER_ILLEGAL', { field, metadata: { character } });
  }
  return text(field, value, min, max);
}

export function inRange<T extends number | bigint>(field: string, value: T, min: T, max: T): T {
  if (value < min || value > max) {
    throw invalid(field, 'OUT_OF_RANGE', { min: String(min), max: String(max) });
  }
  return value;
}

/** Our word for the value of a protobuf enum; 0, which no sender should use, counts as missing. */
export function word<W extends string>(
  field: string,
  value: number,
  words: Readonly<Record<W, number>>,
): W {
  if (value === 0) throw invalid(field, 'REQUIRED');
  const found = (Object.keys(words) as W[]).find((key) => words[key] === value);
  if (found === undefined) throw invalid(field, 'UNKNOWN_VALUE');
  return found;
}

/** The message that a request must hold. */
export function present<T>(field: string, value: T | undefined): T {
  if (value === undefined) throw invalid(field, 'REQUIRED');
  return value;
}

/** Refuses an update that gives one of these columns another value. */
export function mustKeep<D extends object>(
  resource: string,
  { draft, row, columns }: { draft: D; row: D; columns: readonly (keyof D & string)[] },
): void {
  for (const column of columns) {
    if (!isDeepStrictEqual(draft[column], row[column])) {
      throw invalid(`${resource}.${column}`, 'FIXED');
    }
  }
}

/** The row that a repeated create finds; RESOURCE_EXISTS if it holds anything else than `draft`. */
export function sameContents<D extends object, R extends D>(
  { id, draft }: { id: string; draft: D },
  row: R | undefined,
): R {
  // Rows are never deleted: what an insert ran into is there.
  assert(row !== undefined);
  const columns = Object.keys(draft) as (keyof D)[];
  if (columns.every((column) => isDeepStrictEqual(draft[column], row[column]))) return row;
  throw new RpcError('RESOURCE_EXISTS', { metadata: { id } });
}

const SLUG = /^[a-z][a-z0-9-]{1,31}$/;
const CONTROL = /\p{Cc}/u;
const REFUSED = /['"#&+<>%\\]/;
