import { InvalidArgumentError } from 'commander';

/** A whole number within limits, for an option. */
export function wholeNumber({ min, max }: { min: number; max: number }): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^-?\d+$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It is a whole number from ${min} to ${max}.`);
  };
}

/** A decimal number, for an option. */
export function decimalNumber(text: string): number {
  if (!/^-?\d+(\.\d+)?$/.test(text)) throw new InvalidArgumentError('It is a number.');
  return Number(text);
}

/**
 * A moment: a date (its first moment here), a date and time, or how long ago: 30m, 12h, 7d. With
 * `ahead` such a span is counted into the future.
 */
export function parseMoment(text: string, now: Date, ahead = false): Date {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count !== undefined) {
    const spanMs = Number(count) * (UNIT_MS[unit ?? ''] ?? 0);
    return new Date(now.getTime() + (ahead ? spanMs : -spanMs));
  }
  // A bare date would be taken as UTC, but people mean their own midnight.
  const local = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text;
  const moment = new Date(local);
  if (/^\d{4}-/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new InvalidArgumentError(
    `"${text}" is no time; write 2026-06-18, 2026-06-18T08:00 or a span such as 30m, 12h, 7d.`,
  );
}

/** Gathers an option that may be given several times. */
export function each(value: string, before: string[] = []): string[] {
  return [...before, value];
}

/** The member of an enum that a short name means, `issued` for STATE_ISSUED. */
export function oneOf<Value>(choices: Readonly<Record<string, Value>>): (text: string) => Value {
  return (text) => {
    const value = choices[text.toLowerCase()];
    if (value !== undefined && Object.hasOwn(choices, text.toLowerCase())) return value;
    throw new InvalidArgumentError(`It is one of ${Object.keys(choices).join(', ')}.`);
  };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
