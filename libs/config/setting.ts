import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Any text. */
export function text(options: { default?: string } = {}): Setting<string> {
  return setting((raw) => raw, options.default);
}

/** A whole number from `min` to `max`, both included. */
export function integer(options: IntegerOptions): Setting<number> {
  const { min, max } = options;
  return setting((raw, fail) => {
    const value = /^-?\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
    if (value >= min && value <= max) return value;
    return fail(`must be a whole number from ${min} to ${max}, not ${quote(raw)}`);
  }, options.default);
}

/** A duration: a number with ms, s, min or h, `250ms`, `2.5s`; a bare number is milliseconds. */
export function durationMs(options: IntegerOptions): Setting<number> {
  const { min, max } = options;
  return setting((raw, fail) => {
    const [, number, unit = 'ms'] = /^(\d+(?:\.\d+)?) *(ms|s|min|h)?$/.exec(raw) ?? [];
    const value =
      number === undefined ? Number.NaN : Math.round(Number(number) * UNIT_MS[unit as Unit]);
    if (value >= min && value <= max) return value;
    return fail(`must be a duration from ${min} ms to ${max} ms such as "5s", not ${quote(raw)}`);
  }, options.default);
}

/**
 * A URL with one of `protocols`, such as `postgres:`; kept as text. A wrong one is not quoted: it
 * may hold a password.
 */
export function url(
  options: { default?: string; protocols?: readonly string[] } = {},
): Setting<string> {
  const { protocols } = options;
  return setting((raw, fail) => {
    const known =
      protocols === undefined ? 'a URL' : `a URL that begins with ${protocols.join(' or ')}`;
    if (!URL.canParse(raw)) return fail(`must be ${known}`);
    if (protocols && !protocols.includes(new URL(raw).protocol)) return fail(`must be ${known}`);
    return raw;
  }, options.default);
}

/** Texts with commas between them; each one of `allowed` if that is given. */
export function list<Item extends string = string>(
  options: { default?: readonly Item[]; allowed?: readonly Item[] } = {},
): Setting<readonly Item[]> {
  const { allowed } = options;
  return setting<readonly Item[]>((raw, fail) => {
    const items = raw.split(',').map((item) => item.trim()) as Item[];
    if (items.includes('' as Item)) return fail('has an empty entry');
    const unknown = items.filter((item) => allowed && !allowed.includes(item));
    if (unknown.length === 0) return items;
    return fail(`has ${unknown.map(quote).join(', ')}; known are ${allowed?.join(', ')}`);
  }, options.default);
}

/** The content of the file whose path is the value, without white space around it. */
export function secretFile(options: { default?: string } = {}): Setting<string> {
  return setting((raw, fail) => {
    try {
      const secret = readFileSync(raw, 'utf8').trim();
      return secret === '' ? fail(`names an empty file, ${quote(raw)}`) : secret;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : 'unknown error';
      return fail(`names a file that cannot be read, ${quote(raw)} (${code})`);
    }
  }, options.default);
}

/** true or false. */
export function flag(options: { default?: boolean } = {}): Setting<boolean> {
  return setting<boolean>((raw, fail) => {
    if (raw === 'true' || raw === '1') return true;
    if (raw === 'false' || raw === '0') return false;
    return fail(`must be true or false, not ${quote(raw)}`);
  }, options.default);
}

const UNIT_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 };

function setting<Value>(
  parse: (raw: string, fail: (problem: string) => never) => Value,
  missing: Value | undefined,
): Setting<Value> {
  const schema = z
    .string()
    .optional()
    .transform((raw, context): Value => {
      const fail = (message: string): never => {
        context.issues.push({ code: 'custom', message, input: raw });
        return z.NEVER;
      };
      if (raw !== undefined) return parse(raw, fail);
      return missing === undefined ? fail('is missing') : missing;
    });
  return { schema };
}

function quote(raw: string): string {
  return JSON.stringify(raw.length > 40 ? `${raw.slice(0, 40)}…` : raw);
}

type Unit = keyof typeof UNIT_MS;

/** How one setting is read; `schema` takes the raw text, or undefined if it is not set. */
export type Setting<Value> = { readonly schema: z.ZodType<Value, string | undefined> };

export type IntegerOptions = { default?: number; min: number; max: number };
