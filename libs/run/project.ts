import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

let root: string | undefined;

/**
 * Absolute path of a file of this package, `projectFile('services', 'network', 'migrations')`: the
 * same from the sources and from `dist`, whatever the working directory.
 */
export function projectFile(...parts: string[]): string {
  root ??= findRoot(dirname(fileURLToPath(import.meta.url)));
  return join(root, ...parts);
}

/** The nearest folder, upwards, whose package.json is Queqiao's own. */
export function findRoot(start: string): string {
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && nameIn(file) === 'queqiao') return folder;
    if (folder === dirname(folder)) {
      throw new Error(`no package.json of queqiao in ${start} or above it`);
    }
  }
}

function nameIn(file: string): unknown {
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  return typeof content === 'object' && content !== null && 'name' in content && content.name;
}
