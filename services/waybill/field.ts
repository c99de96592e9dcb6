import { invalid, type Problem, RpcError } from '#libs/errors';

// Checks of single request fields: nothing, or an RpcError with the path of the field.

export function mustMatch(field: string, text: string, pattern: RegExp, problem: Problem): void {
  if (text === '') throw invalid(field, 'REQUIRED');
  if (!pattern.test(text)) throw invalid(field, problem);
}

export function mustBeSlug(field: string, text: string): void {
  mustMatch(field, text, SLUG, 'SLUG');
}

/** The UUID in small letters, as the database writes it. */
export function mustBeUuid(field: string, text: string): string {
  mustMatch(field, text, UUID, 'UUID');
  return text.toLowerCase();
}

export function mustLieIn(field: string, value: number, min: number, max: number): void {
  if (value < min || value > max) throw invalid(field, 'OUT_OF_RANGE', { min, max });
}

/** Counts characters, not UTF-16 units. */
export function mustBeText(field: string, text: string, min: number, max: number): void {
  if (text.length > max && [...text].length > max) throw invalid(field, 'TOO_LONG', { max });
  const refused = REFUSED.exec(text)?.[0];
  if (refused !== undefined) {
    if (/\p{Cc}/u.test(refused)) throw invalid(field, 'CONTROL_CHARACTER');
    throw new RpcError('CHARACTER_ILLEGAL', { field, metadata: { character: refused } });
  }
  if (min > 0 && text.trim() === '') throw invalid(field, 'REQUIRED');
}

/** An id, as it is in subjects and object names. */
export const SLUG = /^[a-z][a-z0-9-]{1,31}$/;
const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** Characters that couriers' systems refuse, and controls, which no label can show. */
const REFUSED = /['"#&+<>%\\\p{Cc}]/u;

/** A text of ours as a label can carry it: what couriers' systems refuse is left out. */
export function asLabelText(text: string, max: number): string {
  const kept = [...text].filter((character) => !REFUSED.test(character));
  return kept.slice(0, max).join('').trim();
}
