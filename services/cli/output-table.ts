import { createColors } from 'picocolors';
import type { CliContext } from './context.ts';

/**
 * Rows under headings: aligned in a terminal, where a Chinese character takes two columns; else
 * separated by tabs, for other programs.
 */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { stdout, env, withHeadings = true }: TableOptions,
): string {
  const clean = rows.map((row) => row.map(onOneLine));
  const top = withHeadings ? [headings] : [];
  if (!stdout.isTTY) return [...top, ...clean].map((row) => `${row.join('\t')}\n`).join('');
  const widths = headings.map((heading, i) =>
    Math.max(displayWidth(heading), ...clean.map((row) => displayWidth(row[i] ?? ''))),
  );
  const align = (row: readonly string[]) =>
    row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - displayWidth(cell))).join('  ');
  const { bold } = createColors(!env['NO_COLOR']);
  const lines = [
    ...top.map((row) => bold(align(row).trimEnd())),
    ...clean.map((row) => align(row).trimEnd()),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** `name  value` lines of one thing; empty values are left out. */
export function formatRecord(
  record: Readonly<Record<string, string>>,
  { stdout }: Pick<CliContext, 'stdout'>,
): string {
  const entries = Object.entries(record).filter(([, value]) => value !== '');
  const width = Math.max(0, ...entries.map(([name]) => displayWidth(name)));
  return entries
    .map(([name, value]) => {
      const gap = stdout.isTTY ? ' '.repeat(width - displayWidth(name) + 2) : '\t';
      return `${name}${gap}${onOneLine(value)}\n`;
    })
    .join('');
}

/** Columns that a text takes in a terminal. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) {
    if (ZERO_WIDTH.test(character)) continue;
    width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** A value from elsewhere must not move the cursor, colour the terminal or break the table. */
function onOneLine(value: string): string {
  return value.replace(/\p{Cc}+/gu, ' ');
}

const ZERO_WIDTH = /[\p{Mn}\p{Me}\p{Cf}]/u;
/** Wide and full-width ranges of UAX #11 that matter for East Asian text, and emoji. */
const WIDE = new RegExp(
  [
    '[\\u1100-\\u115f\\u2e80-\\u303e\\u3041-\\ua4cf\\ua960-\\ua97c\\uac00-\\ud7a3]',
    '[\\uf900-\\ufaff\\ufe30-\\ufe6f\\uff00-\\uff60\\uffe0-\\uffe6]',
    '[\\u{1b000}-\\u{1b2ff}\\u{20000}-\\u{3fffd}]',
    '\\p{Emoji_Presentation}',
  ].join('|'),
  'u',
);

type TableOptions = Pick<CliContext, 'stdout' | 'env'> & {
  /** False for the next part of a long table. */
  withHeadings?: boolean;
};
