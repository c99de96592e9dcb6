import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '#test/support/folder';

// Stands for npm: notes its call, takes a moment, and leaves what npm leaves.
const NPM = `
import { appendFileSync, copyFileSync, mkdirSync } from 'node:fs';
appendFileSync('calls', 'npm ' + process.argv.slice(2).join(' ') + '\\n');
await new Promise((done) => setTimeout(done, 300));
mkdirSync('node_modules/typescript/bin', { recursive: true });
copyFileSync('tsc', 'node_modules/typescript/bin/tsc');
copyFileSync('package-lock.json', 'node_modules/.package-lock.json');
`;
const TSC = `
const { appendFileSync, existsSync, mkdirSync } = require('node:fs');
appendFileSync('calls', 'tsc\\n');
mkdirSync('dist', { recursive: true });
process.exit(existsSync('libs/wrong.ts') ? 2 : 0);
`;

test('installs what the lock file names, once', async () => {
  await using checkout = await freshCheckout();
  expect(await checkout.run()).toMatchObject({ status: 0, stdout: '' });
  expect(await checkout.run()).toEqual({ status: 0, stdout: '', stderr: '' });
  expect(await checkout.calls()).toEqual([expect.stringMatching(/^npm ci --ignore-scripts /)]);
});

test('installs again when the lock file names another version', async () => {
  await using checkout = await freshCheckout();
  await checkout.run();
  await checkout.lockFile({ pg: '2.0.0' });
  await checkout.run();
  expect(await checkout.calls()).toHaveLength(2);
});

test('does not miss optional packages of other platforms', async () => {
  await using checkout = await freshCheckout();
  await checkout.run();
  const lock = JSON.parse(await readFile(join(checkout.path, 'package-lock.json'), 'utf8'));
  lock.packages['node_modules/for-windows'] = { version: '1.0.0', optional: true };
  await writeFile(join(checkout.path, 'package-lock.json'), JSON.stringify(lock));
  await checkout.run();
  expect(await checkout.calls()).toHaveLength(1);
});

test('lets the second of two starts wait for the first', async () => {
  await using checkout = await freshCheckout();
  const both = await Promise.all([checkout.run('--build'), checkout.run('--build')]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  expect(await checkout.calls()).toEqual([expect.stringMatching(/^npm/), 'tsc']);
});

test('takes over the lock of a start that was killed', async () => {
  await using checkout = await freshCheckout();
  const ended = spawn('true');
  await once(ended, 'close');
  await mkdir(join(checkout.path, '.queqiao', 'install.lock'), { recursive: true });
  await writeFile(join(checkout.path, '.queqiao', 'install.lock', 'pid'), String(ended.pid));
  expect(await checkout.run()).toMatchObject({ status: 0 });
  expect(await checkout.calls()).toHaveLength(1);
});

test('compiles only when a source is newer than the last success', async () => {
  await using checkout = await freshCheckout();
  await checkout.run('--build');
  await checkout.run('--build');
  expect(await checkout.calls()).toHaveLength(2);

  await writeFile(join(checkout.path, 'libs', 'wrong.ts'), '');
  const later = new Date(Date.now() + 60_000);
  await utimes(join(checkout.path, 'libs', 'wrong.ts'), later, later);
  const failed = await checkout.run('--build');
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('could not be compiled');
  // A failure is no success: it is tried again.
  expect((await checkout.run('--build')).status).toBe(1);
});

test('asks for a newer Node in one sentence', async () => {
  await using checkout = await freshCheckout('>=99.1');
  const { status, stderr } = await checkout.run();
  expect(status).toBe(1);
  expect(stderr).toBe(
    `Queqiao needs Node >=99.1; this is ${process.version}. Install a newer one.\n`,
  );
  expect(await checkout.calls()).toEqual([]);
});

test('says so when npm fails', async () => {
  await using checkout = await freshCheckout();
  await writeFile(join(checkout.path, 'npm-cli.js'), 'process.exit(1)');
  const { status, stderr } = await checkout.run();
  expect(status).toBe(1);
  expect(stderr).toContain('could not be installed; npm has said why above');
});

async function freshCheckout(node = '>=20.19'): Promise<Checkout> {
  const folder = await testFolder();
  const { path } = folder;
  const script = join(path, 'deploy', 'local', 'install.mjs');
  await mkdir(dirname(script), { recursive: true });
  await mkdir(join(path, 'libs'));
  await copyFile(resolve('deploy', 'local', 'install.mjs'), script);
  const manifest = { type: 'module', engines: { node } };
  await writeFile(join(path, 'package.json'), JSON.stringify(manifest));
  await writeFile(join(path, 'npm-cli.js'), NPM);
  await writeFile(join(path, 'tsc'), TSC);
  const lockFile = async (versions: Record<string, string>) => {
    const packages = Object.entries(versions).map(([name, version]) => [
      `node_modules/${name}`,
      { version },
    ]);
    const all = { '': {}, ...Object.fromEntries(packages) };
    await writeFile(join(path, 'package-lock.json'), JSON.stringify({ packages: all }));
  };
  await lockFile({ pg: '1.0.0' });
  return {
    path,
    lockFile,
    run: (...args) => runScript(script, args, join(path, 'npm-cli.js')),
    async calls() {
      const text = await readFile(join(path, 'calls'), 'utf8').catch(() => '');
      return text.split('\n').filter((line) => line !== '');
    },
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
  };
}

async function runScript(script: string, args: string[], npm: string): Promise<Result> {
  const env = { ...process.env, npm_execpath: npm };
  const child = spawn(process.execPath, [script, ...args], { env, stdio: 'pipe' });
  const result = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      result[name] += text;
    });
  }
  const [status] = await once(child, 'close');
  return { status, ...result };
}

type Result = { status: number; stdout: string; stderr: string };
type Checkout = AsyncDisposable & {
  path: string;
  lockFile(versions: Record<string, string>): Promise<void>;
  run(...args: string[]): Promise<Result>;
  calls(): Promise<string[]>;
};
