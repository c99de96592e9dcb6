import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;
const LINE_COLUMNS_MAX = 100;
const TOP_LEVEL = new Set([
  ...['package.json', 'package-lock.json', 'tsconfig.json', 'README.md', 'CHANGELOG.md', 'LICENSE'],
  ...['proto', 'services', 'libs', 'deploy', 'test'],
]);
const MAY_READ_ENVIRONMENT = /^(libs\/config|deploy|test|services\/cli)\//;
const IS_CODE = /\.(ts|mjs|sql)$/;
const IS_GENERATED = /^proto\/gen\//;

const files = projectFiles();
const written = files.filter((file) => IS_CODE.test(file) && !IS_GENERATED.test(file));

describe('the house', () => {
  test(`has no file of more than ${FILE_LINES_MAX} lines`, () => {
    expect(faults(written, tooLong)).toEqual([]);
  });

  test(`has no function of more than ${FUNCTION_LINES_MAX} lines`, () => {
    expect(faults(written, longFunctions)).toEqual([]);
  });

  test(`has no line of more than ${LINE_COLUMNS_MAX} columns`, () => {
    const read = files.filter((file) => /\.(ts|mjs|sql|proto)$/.test(file));
    expect(
      faults(
        read.filter((file) => !IS_GENERATED.test(file)),
        wideLines,
      ),
    ).toEqual([]);
  });

  test('has no folder or file with a name that says nothing', () => {
    expect(files.filter(hasEmptyName)).toEqual([]);
  });

  test('has nothing at its top level but what belongs there', () => {
    const names = new Set(files.map((file) => file.split('/')[0] ?? ''));
    expect([...names].filter((name) => !name.startsWith('.') && !TOP_LEVEL.has(name))).toEqual([]);
  });

  test('reads the environment in few places', () => {
    const others = written.filter((file) => !MAY_READ_ENVIRONMENT.test(file));
    expect(faults(others, environmentReads)).toEqual([]);
  });

  test('pins its dependencies and gives a reason for each in the README', () => {
    expect(dependencyFaults(read('package.json'), read('README.md'))).toEqual([]);
  });
});

// Each rule is shown one breach of it: a check that finds nothing may be one that looks at nothing.
describe('the rules themselves', () => {
  test('look at the files that there are', () => {
    expect(written).toContain('test/tidy.test.ts');
    expect(written).toContain('libs/errors/index.ts');
    expect(files.some((file) => file.includes('node_modules'))).toBe(false);
  });

  test('find a long file, a long function and a wide line', () => {
    expect(tooLong('a.ts', 'x\n'.repeat(FILE_LINES_MAX))).toEqual([]);
    expect(tooLong('a.ts', 'x\n'.repeat(FILE_LINES_MAX + 1))).toHaveLength(1);
    expect(longFunctions('a.ts', functionOf(FUNCTION_LINES_MAX))).toEqual([]);
    expect(longFunctions('a.ts', functionOf(FUNCTION_LINES_MAX + 1))).toEqual([
      `a.ts:1: issue has ${FUNCTION_LINES_MAX + 1} lines`,
    ]);
    expect(longFunctions('a.test.ts', `describe('x', ${functionOf(99, '() =>')})`)).toEqual([]);
    expect(wideLines('a.ts', `${'鹊'.repeat(LINE_COLUMNS_MAX)}\n`)).toEqual([]);
    expect(wideLines('a.ts', `\n${'x'.repeat(LINE_COLUMNS_MAX + 1)}`)).toEqual([
      `a.ts:2: ${LINE_COLUMNS_MAX + 1} columns`,
    ]);
  });

  test('find an empty name', () => {
    const names = ['libs/utils/a.ts', 'libs/db/helper.test.ts', 'services/common.ts', 'types/a.ts'];
    expect(names.filter((name) => !hasEmptyName(name))).toEqual([]);
    expect(
      ['proto/queqiao/type/v1/a.proto', 'libs/db/column-types.ts'].filter(hasEmptyName),
    ).toEqual([]);
  });

  test('find every way to the environment', () => {
    const ways = ['process.env.X', `process['env']`, 'const { env } = process', 'process?.env'];
    for (const way of ways) expect(environmentReads('a.ts', way)).toHaveLength(1);
    expect(environmentReads('a.ts', `import { env } from 'node:process'`)).toHaveLength(1);
    expect(environmentReads('a.ts', '// process.env\nreadConfig(env)')).toEqual([]);
  });

  test('find a loose or unexplained dependency', () => {
    const manifest = (version: string) => JSON.stringify({ dependencies: { pg: version } });
    const readme = '| `pg` | the driver |';
    expect(dependencyFaults(manifest('8.23.1'), readme)).toEqual([]);
    expect(dependencyFaults(manifest('18.4.0-beta.17'), readme)).toEqual([]);
    for (const loose of ['^8.23.1', '8.x', 'latest', 'github:a/b']) {
      expect(dependencyFaults(manifest(loose), readme)).toEqual([`pg: ${loose} is not exact`]);
    }
    expect(dependencyFaults(manifest('8.23.1'), 'we like `pg`\n| `pg-pool` | x |')).toEqual([
      'pg: README.md has no line for it in a table',
    ]);
  });
});

function projectFiles(): string[] {
  try {
    const list = ['ls-files', '--cached', '--others', '--exclude-standard', '--deduplicate'];
    const names = execFileSync('git', list, { encoding: 'utf8', stdio: 'pipe' }).split('\n');
    const deleted = execFileSync('git', ['ls-files', '--deleted'], { encoding: 'utf8' }).split(
      '\n',
    );
    return names.filter((name) => name !== '' && !deleted.includes(name));
  } catch {
    // A copy of the sources without git, or git distrusts the owner of the folder.
    const skip = /^(node_modules|dist|\.[^/]*)(\/|$)/;
    return readdirSync('.', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((name) => !skip.test(name));
  }
}

function faults(names: string[], rule: (name: string, text: string) => string[]): string[] {
  return names.flatMap((name) => rule(name, read(name)));
}

function read(name: string): string {
  return readFileSync(name, 'utf8');
}

function tooLong(name: string, text: string): string[] {
  const count = text.replace(/\n$/, '').split('\n').length;
  return count > FILE_LINES_MAX ? [`${name}: ${count} lines`] : [];
}

function wideLines(name: string, text: string): string[] {
  return text.split('\n').flatMap((line, index) => {
    // Characters, not UTF-16 units: Chinese is counted as people see it in review.
    const columnCount = [...line].length;
    // buf writes the declaration of a call in one line.
    if (name.endsWith('.proto') && line.startsWith('  rpc ')) return [];
    return columnCount > LINE_COLUMNS_MAX ? [`${name}:${index + 1}: ${columnCount} columns`] : [];
  });
}

function longFunctions(name: string, text: string): string[] {
  if (name.endsWith('.sql')) return [];
  const source = parse(name, text);
  const found: string[] = [];
  visit(source, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || isDescribe(node)) return;
    const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
    const count = source.getLineAndCharacterOfPosition(node.end).line - first + 1;
    if (count <= FUNCTION_LINES_MAX) return;
    found.push(`${name}:${first + 1}: ${nameOf(node)} has ${count} lines`);
  });
  return found;
}

/** A `describe` only groups tests; its body is not read as one piece. */
function isDescribe(node: ts.Node): boolean {
  const call = node.parent;
  return ts.isCallExpression(call) && /^describe\b/.test(call.expression.getText());
}

function nameOf(node: ts.SignatureDeclaration): string {
  const named = node.name ?? (ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return named?.getText() ?? 'a function without name';
}

function environmentReads(name: string, text: string): string[] {
  if (name.endsWith('.sql')) return [];
  const source = parse(name, text);
  const found: string[] = [];
  visit(source, (node) => {
    if (!readsEnvironment(node)) return;
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    found.push(`${name}:${line + 1}: ${node.getText(source)}`);
  });
  return found;
}

function readsEnvironment(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) {
    return node.expression.getText() === 'process' && node.name.text === 'env';
  }
  if (ts.isElementAccessExpression(node)) {
    const key = node.argumentExpression;
    return (
      node.expression.getText() === 'process' && ts.isStringLiteralLike(key) && key.text === 'env'
    );
  }
  if (ts.isVariableDeclaration(node)) {
    return ts.isObjectBindingPattern(node.name) && node.initializer?.getText() === 'process';
  }
  return (
    ts.isImportDeclaration(node) &&
    /^(node:)?process$/.test(node.moduleSpecifier.getText().slice(1, -1))
  );
}

function hasEmptyName(file: string): boolean {
  return file
    .split('/')
    .some((part) =>
      /^(utils?|commons?|helpers?|shared|types)$/i.test(basename(part).split('.')[0] ?? ''),
    );
}

function dependencyFaults(manifest: string, readme: string): string[] {
  const { dependencies, devDependencies } = JSON.parse(manifest) as Manifest;
  const rows = readme.split('\n').filter((line) => line.startsWith('|'));
  return Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, version]) => [
    ...(/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)
      ? []
      : [`${name}: ${version} is not exact`]),
    ...(rows.some((row) => row.includes(`\`${name}\``))
      ? []
      : [`${name}: README.md has no line for it in a table`]),
  ]);
}

function parse(name: string, text: string): ts.SourceFile {
  return ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
}

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
}

function functionOf(lineCount: number, head = 'function issue()'): string {
  return `${head} {\n${'x;\n'.repeat(lineCount - 2)}}`;
}

type Manifest = {
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
};
