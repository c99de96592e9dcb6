import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where other people's data lie, or undefined. They are never part of the repository. */
export function dataFolder(): string | undefined {
  const folder = process.env['QUEQIAO_DATA'] ?? join('..', 'shared', 'data');
  return existsSync(folder) ? folder : undefined;
}

/** Addresses with the kind of each piece: a token and its label in a line, a blank line between. */
export function readLabelled(file: string): Labelled[] {
  return readFileSync(file, 'utf8')
    .split(/\n\s*\n/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const spans: Span[] = [];
      for (const line of block.split('\n').filter(Boolean)) {
        const gap = line.lastIndexOf(' ');
        const token = line.slice(0, gap);
        const [position, label = ''] = line.slice(gap + 1).split('-');
        const last = spans.at(-1);
        if (position === 'I' && last?.label === label) last.text += token;
        else spans.push({ label, text: token });
      }
      return { text: spans.map(({ text }) => text).join(''), spans };
    });
}

export function readCases(file: string): Case[] {
  return JSON.parse(readFileSync(file, 'utf8')) as Case[];
}

export type Span = { label: string; text: string };
export type Labelled = { text: string; spans: Span[] };
export type Case = {
  text: string;
  expect: { code?: string; name?: string; mobile?: string; details?: string } | null;
};
