import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { METHOD_SCOPES } from '#libs/grpc';
import { program } from '../services/cli/program.ts';
import { SHAPE } from '../services/cli/settings.ts';
import { MODULES } from '../services/modules.ts';

// What the pages say is compared with what the code does.

const readme = readFileSync('README.md', 'utf8');

describe('the README', () => {
  it('lists every setting, and no other', () => {
    const table = readme.slice(readme.indexOf('## Operating it'), readme.indexOf('## How to read'));
    const rows = table.split('\n').filter((line) => line.startsWith('| `'));
    const listed = rows.flatMap((line) =>
      [...(line.split('|')[1] ?? '').matchAll(/`([A-Z_]+)`/g)].map(([, name]) => name),
    );
    const forCommands = ['QUEQIAO_ADDRESS', 'QUEQIAO_API_KEY'];
    expect(listed.toSorted()).toEqual([...Object.keys(SHAPE), ...forCommands].toSorted());
  });

  it('lists every service with its page', () => {
    for (const { name } of MODULES) {
      expect(readme).toContain(`[services/${name}](services/${name}/README.md)`);
    }
  });

  it('uses only commands that exist', () => {
    const used = [...readme.matchAll(/queqiao (?:-- )?([a-z]+)( [a-z]+(?:-[a-z]+)*)?/g)];
    const commands = new Map(
      program({} as never).commands.map((command) => [
        command.name(),
        command.commands.map((part) => part.name()),
      ]),
    );
    expect(used.length).toBeGreaterThan(8);
    for (const [line, name = '', part] of used) {
      if (!commands.has(name)) expect(line).toMatch(/queqiao (?:command|serves)/);
      const parts = commands.get(name) ?? [];
      // `queqiao events` does something also without a part of it.
      if (parts.length > 0 && (name !== 'events' || part !== undefined)) {
        expect(parts).toContain(part?.trim());
      }
    }
  });
});

describe('a service’s page', () => {
  it.each(MODULES.map(({ name }) => name))('names every call of %s', (name) => {
    const page = readFileSync(`services/${name}/README.md`, 'utf8');
    const calls = Object.keys(METHOD_SCOPES)
      .filter((method) => method.startsWith(`queqiao.${name}.`))
      .map((method) => method.split('/')[1] ?? '');
    expect(calls.length).toBeGreaterThan(5);
    const missing = calls.filter((call) => !covers(page, call));
    expect(missing).toEqual([]);
  });
});

/** Pages may fold calls that differ in the noun alone: "Create, Get … of Merchant, Courier". */
function covers(page: string, call: string): boolean {
  if (page.includes(call)) return true;
  const [, verb = '', noun = ''] = /^([A-Z][a-z]+)(.*?)s?$/.exec(call) ?? [];
  return page.includes(verb) && page.includes(noun);
}
